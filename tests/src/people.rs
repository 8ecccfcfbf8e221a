//! Who acts in a city, in sentences: `city.citizen("李").calls("路灯不亮")`.
//!
//! Each command carries a fresh key and the version that was just seen, and the city comes to rest
//! after it. What a test expects to be refused is asked with `tries_to_…`.

mod desk;
mod units;

use hotline_proto::intake::{Contact, NewMatter, RegisterAppealRequest};
use hotline_proto::shared::{Confidentiality, Kind};

use crate::city::City;
use crate::principal::by;

pub use self::desk::{Agent, Matter, Operator};
pub use self::units::{Dispatcher, Unit};

impl City {
    /// A citizen who is known by his telephone number; the same name is the same citizen.
    pub fn citizen(&self, name: &str) -> Citizen<'_> {
        let digits = name.chars().map(u32::from).sum::<u32>() % 100;
        let phone = format!("199000000{digits:02}");
        let contact = Contact {
            name: format!("{name}某"),
            phone,
            ..Contact::default()
        };
        Citizen {
            city: self,
            contact: Some(contact),
            channel: "tel",
            kind: Kind::Complaint,
        }
    }

    /// A citizen who tells all of this about himself.
    pub fn citizen_known_by(&self, contact: Contact) -> Citizen<'_> {
        Citizen {
            contact: Some(contact),
            ..self.stranger()
        }
    }

    /// A citizen who does not say who he is.
    pub fn stranger(&self) -> Citizen<'_> {
        Citizen {
            city: self,
            contact: None,
            channel: "tel",
            kind: Kind::Complaint,
        }
    }

    /// An operator at the desk.
    pub fn operator(&self) -> Operator<'_> {
        Operator::new(self)
    }

    /// A dispatcher of the centre.
    pub fn dispatcher(&self) -> Dispatcher<'_> {
        Dispatcher::new(self)
    }

    /// A clerk of a unit.
    pub fn unit<'a>(&'a self, code: &'a str) -> Unit<'a> {
        Unit::new(self, code)
    }

    /// An agent who rings citizens afterwards.
    pub fn agent(&self) -> Agent<'_> {
        Agent::new(self)
    }
}

/// A citizen with something to say.
pub struct Citizen<'a> {
    city: &'a City,
    contact: Option<Contact>,
    channel: &'static str,
    kind: Kind,
}

/// What a citizen said: his receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Id of the appeal.
    pub appeal_id: String,
    /// Number of the receipt.
    pub number: String,
    /// Opens the progress query.
    pub query_code: String,
}

impl Citizen<'_> {
    /// The same citizen on another channel.
    #[must_use]
    pub fn on(self, channel: &'static str) -> Self {
        Self { channel, ..self }
    }

    /// The same citizen, who wants something else than to complain.
    #[must_use]
    pub fn who_wants(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Says one thing by telephone.
    pub async fn calls(&self, text: &str) -> Said {
        self.says(&self.city.key(), text, Vec::new()).await
    }

    /// Says one thing in writing.
    pub async fn writes(&self, text: &str) -> Said {
        self.calls(text).await
    }

    /// Sends the same submission again, with its old key.
    pub async fn repeats(&self, key: &str, text: &str) -> Said {
        self.says(key, text, Vec::new()).await
    }

    /// Asks several things at once.
    pub async fn asks_for(&self, things: &[&str]) -> Said {
        let matter = |text: &&str| NewMatter {
            subject: (*text).to_owned(),
            text: (*text).to_owned(),
            kind: self.kind.into(),
            ..NewMatter::default()
        };
        self.says(
            &self.city.key(),
            &things.join(";"),
            things.iter().map(matter).collect(),
        )
        .await
    }

    async fn says(&self, key: &str, text: &str, matters: Vec<NewMatter>) -> Said {
        let is_anonymous = self.contact.is_none();
        let request = RegisterAppealRequest {
            idempotency_key: key.to_owned(),
            channel_code: self.channel.to_owned(),
            contact: self.contact.clone(),
            confidentiality: Some(Confidentiality {
                anonymous: is_anonymous,
                ..Confidentiality::default()
            }),
            subject: text.split(',').next().unwrap_or_default().to_owned(),
            text: text.to_owned(),
            kind: self.kind.into(),
            matters,
            ..RegisterAppealRequest::default()
        };
        let answer = self
            .city
            .intake()
            .register_appeal(by("channel", self.channel, request))
            .await;
        let receipt = self
            .city
            .said("register an appeal", answer)
            .receipt
            .expect("a receipt");
        self.city.settles().await;
        Said {
            appeal_id: receipt.appeal_id,
            number: receipt.number,
            query_code: receipt.query_code,
        }
    }
}
