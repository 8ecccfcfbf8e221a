//! Contacts in clear: written at registration, read only at the moment of sending.

use hotline_kernel::id::ContactId;
use hotline_platform::access::Scope;
use hotline_platform::bulk;
use hotline_platform::db::Txn;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};

use super::StoreError;
use super::entity::contact;
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
pub async fn insert(txn: &Txn, rows: Vec<NewContact>) -> Result<(), StoreError> {
    bulk::insert(txn, rows.into_iter().map(active).collect()).await?;
    Ok(())
}

/// Reads a contact; none for a scope that is not everybody's. The caller has audited it.
pub async fn find(
    db: &impl ConnectionTrait,
    scope: &Scope,
    id: ContactId,
) -> Result<Option<Contact>, StoreError> {
    if !scope.is_everything() {
        return Ok(None);
    }
    let found = contact::Entity::find_by_id(id.uuid()).one(db).await?;
    Ok(found.map(|row| Contact {
        name: row.name,
        phone: row.phone,
        email: row.email,
        account: row.account,
    }))
}

/// Erases a contact.
pub async fn erase(txn: &Txn, id: ContactId) -> Result<(), StoreError> {
    contact::Entity::delete_by_id(id.uuid())
        .exec(&**txn)
        .await?;
    Ok(())
}

fn active(row: NewContact) -> contact::ActiveModel {
    contact::ActiveModel {
        id: Set(row.id.uuid()),
        citizen: Set(row.citizen),
        name: Set(row.contact.name),
        phone: Set(row.contact.phone),
        email: Set(row.contact.email),
        account: Set(row.contact.account),
    }
}
