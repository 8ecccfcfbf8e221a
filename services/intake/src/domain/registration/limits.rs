//! The limits of what comes in, so that nothing that storage would refuse goes further.

use super::{
    COMPLAINED_UNITS_MAX, Confidentiality, Contact, Identity, KEY_MAX_CHARS, MATTERS_MAX,
    NAME_MAX_CHARS, NewMatter, Registration, SUBJECT_MAX_CHARS, TEXT_MAX_CHARS,
};
use crate::domain::Invalid;

impl Registration {
    /// Checks every limit, so that nothing that storage would refuse goes further.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the first field that is not as expected, and what was expected.
    pub fn check(&self) -> Result<(), Invalid> {
        self.check_origin()?;
        self.check_content()
    }

    /// Checks what says where it comes from: that is kept even where the content may not be.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the first field that is not as expected.
    pub fn check_origin(&self) -> Result<(), Invalid> {
        code("channel_code", &self.channel_code)?;
        if self.channel_code.is_empty() {
            return Err(Invalid::new("channel_code", "the code of a channel"));
        }
        line("line_number", &self.line_number, NAME_MAX_CHARS)?;
        line("source", &self.source, NAME_MAX_CHARS)?;
        self.identity.check()?;
        self.imported.as_ref().map_or(Ok(()), |imported| {
            line("old_number", &imported.old_number, KEY_MAX_CHARS)
        })
    }

    fn check_content(&self) -> Result<(), Invalid> {
        self.contact.check()?;
        self.confidentiality.check()?;
        text("subject", &self.subject, SUBJECT_MAX_CHARS)?;
        text("text", &self.text, TEXT_MAX_CHARS)?;
        if self.matters.is_empty() || self.matters.len() > MATTERS_MAX {
            return Err(Invalid::new(
                "matters",
                format!("1 to {MATTERS_MAX} matters"),
            ));
        }
        for matter in self.complete_matters() {
            matter.check()?;
            if matter.text.trim().is_empty() && matter.subject.trim().is_empty() {
                return Err(Invalid::new(
                    "text",
                    "what the citizen said: a text or at least a subject",
                ));
            }
        }
        let reply = self
            .imported
            .as_ref()
            .and_then(|imported| imported.reply.as_ref());
        reply.map_or(Ok(()), |reply| {
            self::text("reply", &reply.text, TEXT_MAX_CHARS)
        })
    }
}

impl Identity {
    fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::SourceId(id) if id.trim().is_empty() => {
                Err(Invalid::new("source_id", "the source's own id, not blank"))
            }
            Self::SourceId(id) => line("source_id", id, KEY_MAX_CHARS),
            Self::ClientKey(key) => client_key(key),
            Self::Row { .. } => Ok(()),
        }
    }
}

impl Contact {
    fn check(&self) -> Result<(), Invalid> {
        line("contact.name", &self.name, NAME_MAX_CHARS)?;
        line("contact.phone", &self.phone, NAME_MAX_CHARS)?;
        line("contact.email", &self.email, NAME_MAX_CHARS)?;
        line("contact.account", &self.account, NAME_MAX_CHARS)
    }
}

impl Confidentiality {
    fn check(&self) -> Result<(), Invalid> {
        if self.complained_unit_codes.len() > COMPLAINED_UNITS_MAX {
            return Err(Invalid::new(
                "confidentiality.complained_unit_codes",
                format!("at most {COMPLAINED_UNITS_MAX} unit codes"),
            ));
        }
        self.complained_unit_codes
            .iter()
            .try_for_each(|unit| code("confidentiality.complained_unit_codes", unit))
    }
}

impl NewMatter {
    /// Checks the limits of one matter.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the first field that is not as expected.
    pub fn check(&self) -> Result<(), Invalid> {
        text("matters.subject", &self.subject, SUBJECT_MAX_CHARS)?;
        text("matters.text", &self.text, TEXT_MAX_CHARS)?;
        code("matters.category_code", &self.category_code)?;
        code("matters.area_code", &self.area_code)
    }
}

/// A text of several lines: no NUL, not too long.
///
/// # Errors
///
/// [`Invalid`] with the limit.
pub fn text(field: &str, value: &str, max_chars: usize) -> Result<(), Invalid> {
    if value.contains('\0') {
        return Err(Invalid::new(field, "text without NUL characters"));
    }
    if value.chars().count() > max_chars {
        return Err(Invalid::new(
            field,
            format!("at most {max_chars} characters"),
        ));
    }
    Ok(())
}

/// A text of one line: no control characters, not too long.
fn line(field: &str, value: &str, max_chars: usize) -> Result<(), Invalid> {
    text(field, value, max_chars)?;
    if value.chars().any(char::is_control) {
        return Err(Invalid::new(field, "one line without control characters"));
    }
    Ok(())
}

/// A code of a registry.
fn code(field: &str, value: &str) -> Result<(), Invalid> {
    line(field, value, KEY_MAX_CHARS)
}

fn client_key(key: &str) -> Result<(), Invalid> {
    let is_visible_ascii = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || key.len() > KEY_MAX_CHARS || !is_visible_ascii {
        return Err(Invalid::new(
            "idempotency_key",
            format!("1 to {KEY_MAX_CHARS} visible ASCII characters where there is no source_id"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::terms::Nature;

    fn sample() -> Registration {
        Registration {
            channel_code: "tel12345".to_owned(),
            line_number: String::new(),
            source: String::new(),
            identity: Identity::ClientKey("k1".to_owned()),
            nature: Nature::New,
            said_at: None,
            contact: Contact::default(),
            confidentiality: Confidentiality::default(),
            subject: String::new(),
            text: "路灯不亮".to_owned(),
            matters: vec![NewMatter::default()],
            imported: None,
        }
    }

    #[test]
    fn what_storage_would_refuse_is_refused_by_name() {
        type Case = (&'static str, fn(&mut Registration), Option<&'static str>);
        let cases: [Case; 13] = [
            ("as told", |_| (), None),
            (
                "no channel",
                |r| r.channel_code.clear(),
                Some("channel_code"),
            ),
            ("NUL", |r| r.text.push('\0'), Some("text")),
            (
                "20,000 characters",
                |r| r.text = "灯".repeat(TEXT_MAX_CHARS),
                None,
            ),
            (
                "20,001 characters",
                |r| r.text = "灯".repeat(TEXT_MAX_CHARS + 1),
                Some("text"),
            ),
            ("nothing said", |r| r.text = " \n".to_owned(), Some("text")),
            (
                "only a subject",
                |r| (r.text, r.subject) = (String::new(), "路灯".to_owned()),
                None,
            ),
            ("no matter", |r| r.matters.clear(), Some("matters")),
            (
                "20 matters",
                |r| r.matters = vec![NewMatter::default(); MATTERS_MAX],
                None,
            ),
            (
                "21 matters",
                |r| r.matters = vec![NewMatter::default(); MATTERS_MAX + 1],
                Some("matters"),
            ),
            (
                "no key",
                |r| r.identity = Identity::ClientKey(String::new()),
                Some("idempotency_key"),
            ),
            (
                "key not ASCII",
                |r| r.identity = Identity::ClientKey("钥".to_owned()),
                Some("idempotency_key"),
            ),
            (
                "blank source id",
                |r| r.identity = Identity::SourceId(" ".to_owned()),
                Some("source_id"),
            ),
        ];
        for (label, change, expected) in cases {
            let mut registration = sample();
            change(&mut registration);
            let found = registration.check().err().map(|invalid| invalid.field);
            assert_eq!(found.as_deref(), expected, "{label}");
        }
    }

    #[test]
    fn a_matter_without_words_of_its_own_is_the_appeal() {
        let mut registration = sample();
        registration.matters.push(NewMatter {
            text: "水管漏水".to_owned(),
            ..NewMatter::default()
        });
        let texts: Vec<_> = registration
            .complete_matters()
            .into_iter()
            .map(|matter| matter.text)
            .collect();
        assert_eq!(texts, ["路灯不亮", "水管漏水"]);
    }

    #[test]
    fn a_contact_never_shows_itself() {
        let contact = Contact {
            phone: "19900000001".to_owned(),
            ..Contact::default()
        };
        assert!(!format!("{contact:?}").contains("199"));
    }
}
