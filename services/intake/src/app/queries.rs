//! What intake can be asked: appeals, progress, contacts, registry.

use std::collections::HashMap;

use hotline_kernel::id::{AppealId, ContactId};
use hotline_kernel::number::TicketNumber;
use hotline_kernel::time::micros;
use hotline_platform::access::Scope;
use hotline_platform::core::CommandContext;
use hotline_platform::page::Page;
use hotline_platform::work::AuditEntry;

use super::Intake;
use super::view::{self, AppealView};
use crate::domain::appeal::{Appeal, Filter};
use crate::domain::matter::Matter;
use crate::domain::registration::Contact;
use crate::domain::registry::{Channel, Line};
use crate::error::{IntakeError, required};
use crate::store;
use crate::store::appeals::Cursor;

impl Intake {
    /// An appeal by its id.
    ///
    /// # Errors
    ///
    /// [`IntakeError::AppealNotFound`].
    pub async fn appeal(&self, scope: &Scope, id: AppealId) -> Result<AppealView, IntakeError> {
        let reader = self.core.db().reader(scope).await?;
        let found = store::appeals::find(&reader, scope, id).await?;
        let mut views = self
            .views(vec![found.ok_or(IntakeError::AppealNotFound)?])
            .await?;
        views.pop().ok_or(IntakeError::AppealNotFound)
    }

    /// An appeal by its number, the number of any of its matters, or the one it had elsewhere.
    ///
    /// # Errors
    ///
    /// [`IntakeError::AppealNotFound`].
    pub async fn appeal_by_number(
        &self,
        scope: &Scope,
        number: &str,
    ) -> Result<AppealView, IntakeError> {
        if number.is_empty() || number.contains('\0') {
            return Err(IntakeError::AppealNotFound);
        }
        let reader = self.core.db().reader(scope).await?;
        let id = match number.parse::<TicketNumber>() {
            Ok(ours) => store::matters::appeal_by_number(&reader, scope, ours.as_str()).await?,
            Err(_) => store::appeals::find_by_old_number(&reader, scope, number)
                .await?
                .map(|appeal| appeal.id),
        };
        let id = id.ok_or(IntakeError::AppealNotFound)?;
        self.appeal(scope, id).await
    }

    /// A page of appeals, newest first, and where the next one starts.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn appeals(
        &self,
        scope: &Scope,
        filter: &Filter,
        page: &Page<Cursor>,
    ) -> Result<(Vec<AppealView>, Option<Cursor>), IntakeError> {
        let reader = self.core.db().reader(scope).await?;
        let found =
            store::appeals::list(&reader, scope, filter, page.after.as_ref(), page.size + 1)
                .await?;
        let (found, last) = cut(found, page.size);
        let next = last.map(|appeal| Cursor {
            received_at: micros(appeal.received_at),
            id: appeal.id.uuid(),
        });
        Ok((self.views(found).await?, next))
    }

    async fn views(&self, appeals: Vec<Appeal>) -> Result<Vec<AppealView>, IntakeError> {
        let db = self.core.db().read();
        let ids: Vec<AppealId> = appeals.iter().map(|appeal| appeal.id).collect();
        let matters = store::matters::of_appeals(db, &ids).await?;
        let seen = view::by_id(store::tickets::seen(db, &view::tickets_of(&matters)).await?);
        let mut by_appeal: HashMap<AppealId, Vec<Matter>> = HashMap::new();
        for matter in matters {
            by_appeal.entry(matter.appeal_id).or_default().push(matter);
        }
        let put = |appeal: Appeal| {
            let matters = by_appeal.remove(&appeal.id).unwrap_or_default();
            AppealView::new(appeal, matters, &seen)
        };
        Ok(appeals.into_iter().map(put).collect())
    }

    /// Reads a contact at the moment of sending. The audit row is committed first.
    ///
    /// # Errors
    ///
    /// [`IntakeError::ContactNotFound`]; the attempt stays in the audit.
    pub async fn contact(
        &self,
        context: CommandContext,
        id: ContactId,
        purpose: String,
    ) -> Result<Contact, IntakeError> {
        required("purpose", &purpose, "why the contact is read")?;
        let scope = context.scope.clone();
        // Every reading is audited anew, so it is never answered from the command table.
        let context = CommandContext {
            idempotency_key: String::new(),
            ..context
        };
        self.command(context, move |order| {
            let entry = AuditEntry {
                resource: "contact",
                resource_id: id.to_string(),
                version: 0,
                action: "read".to_owned(),
                reason: order.settings.mask(&purpose, ""),
            };
            order.work.audit(order.cause, entry);
            Box::pin(async { Ok(()) })
        })
        .await?;
        let found =
            store::contacts::find(self.core.db().read(), &self.settings.vault, &scope, id).await?;
        found.ok_or(IntakeError::ContactNotFound)
    }

    /// A page of channels, and the code behind which the next one starts.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn channels(
        &self,
        page: &Page<String>,
    ) -> Result<(Vec<Channel>, Option<String>), IntakeError> {
        let found =
            store::registry::channels(self.core.db().read(), page.after.as_deref(), page.size + 1)
                .await?;
        let (found, last) = cut(found, page.size);
        Ok((found, last.map(|channel| channel.code)))
    }

    /// A page of lines, and the number behind which the next one starts.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn lines(
        &self,
        page: &Page<String>,
    ) -> Result<(Vec<Line>, Option<String>), IntakeError> {
        let found =
            store::registry::lines(self.core.db().read(), page.after.as_deref(), page.size + 1)
                .await?;
        let (found, last) = cut(found, page.size);
        Ok((found, last.map(|line| line.number)))
    }
}

/// Cuts a list that was read one longer to its page; the last row if there are more.
fn cut<T: Clone>(mut rows: Vec<T>, size: u64) -> (Vec<T>, Option<T>) {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return (rows, None);
    }
    rows.truncate(size);
    let last = rows.last().cloned();
    (rows, last)
}
