//! Contacts: sealed at registration, opened only at the moment of sending.

use hotline_kernel::id::ContactId;
use hotline_platform::access::Scope;
use hotline_platform::bulk;
use hotline_platform::db::Txn;
use hotline_platform::vault::Vault;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use super::entity::contact;
use super::sealed::{self, Opener, Seal};
use super::{StoreError, broken};
use crate::domain::registration::Contact;

/// A contact to be kept.
pub struct NewContact {
    /// What everybody else knows it by.
    pub id: ContactId,
    /// Pseudonym of its citizen, empty if not known.
    pub citizen: String,
    /// As it was told.
    pub contact: Contact,
}

/// Inserts contacts, many a statement.
pub async fn insert(txn: &Txn, rows: Vec<(NewContact, Seal)>) -> Result<(), StoreError> {
    let models = rows.into_iter().map(active);
    bulk::insert(txn, models.collect::<Result<Vec<_>, _>>()?).await?;
    Ok(())
}

/// Reads a contact; none for a scope that is not everybody's, or if it was erased. The caller has audited it.
pub async fn find(
    db: &impl ConnectionTrait,
    vault: &Vault,
    scope: &Scope,
    id: ContactId,
) -> Result<Option<Contact>, StoreError> {
    if !scope.is_everything() {
        return Ok(None);
    }
    let found = contact::Entity::find_by_id(id.uuid()).one(db).await?;
    let Some(sealed) = found.and_then(|row| row.sealed) else {
        return Ok(None);
    };
    let opener = Opener::of(db, vault, std::iter::once(&sealed)).await?;
    let parts = opener.list(sealed::CONTACT, &sealed::row(id.uuid()), &sealed)?;
    parts.map(contact_of).transpose()
}

/// Erases a contact.
pub async fn erase(txn: &Txn, id: ContactId) -> Result<(), StoreError> {
    contact::Entity::delete_by_id(id.uuid())
        .exec(&**txn)
        .await?;
    Ok(())
}

/// A contact as it is sealed.
pub(super) fn seal(
    seal: &Seal,
    id: ContactId,
    contact: &Contact,
) -> Result<Option<Vec<u8>>, StoreError> {
    let parts = [
        contact.name.as_str(),
        &contact.phone,
        &contact.email,
        &contact.account,
    ];
    seal.list(sealed::CONTACT, &sealed::row(id.uuid()), &parts)
}

fn contact_of(parts: Vec<String>) -> Result<Contact, StoreError> {
    let [name, phone, email, account] =
        <[String; 4]>::try_from(parts).map_err(|_| broken("sealed"))?;
    Ok(Contact {
        name,
        phone,
        email,
        account,
    })
}

fn active((row, by): (NewContact, Seal)) -> Result<contact::ActiveModel, StoreError> {
    Ok(contact::ActiveModel {
        id: Set(row.id.uuid()),
        citizen: Set(row.citizen),
        name: Set(String::new()),
        phone: Set(String::new()),
        email: Set(String::new()),
        account: Set(String::new()),
        sealed: Set(seal(&by, row.id, &row.contact)?),
    })
}
