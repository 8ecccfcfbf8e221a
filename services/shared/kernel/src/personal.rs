//! Personal data as types: what is printed is masked, and taking the value out is a named call.
//!
//! None of these types can be serialised: whoever stores or sends one calls `reveal` and can be found by it.

use std::fmt;
use std::str::FromStr;

use crate::mask::half_width;

/// A telephone number in E.164, such as `+8619900000001`; printed as `199****0001`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone {
    number: String,
    extension: Option<String>,
}

/// Why a text is no [`Phone`]; never says the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Something else than digits and the usual separators stands there.
    #[error("expected a telephone number of digits, spaces and dashes")]
    Characters,
    /// Neither a mobile number nor a landline with its area code.
    #[error(
        "expected a mobile number of 11 digits, a landline with its area code, or + and a country code"
    )]
    Shape,
}

impl Phone {
    /// The number in E.164, unmasked.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.number
    }

    /// The extension behind a switchboard, unmasked.
    #[must_use]
    pub fn reveal_extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// Whether a message can be sent there: a Chinese mobile number.
    #[must_use]
    pub fn is_mobile(&self) -> bool {
        self.number.strip_prefix("+86").is_some_and(is_mobile)
    }
}

/// Whether these are the 11 digits of a Chinese mobile number.
pub(crate) fn is_mobile(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.len() == 11
        && bytes[0] == b'1'
        && (b'3'..=b'9').contains(&bytes[1])
        && bytes.iter().all(u8::is_ascii_digit)
}

/// How many digits the area code at the start takes, its zero included; `None` if there is none.
///
/// 010 and 02x have three digits, all others four; 026 is not in use.
pub(crate) fn area_code_length(digits: &str) -> Option<usize> {
    match digits.as_bytes() {
        [b'0', b'1', b'0', ..] | [b'0', b'2', b'0'..=b'5' | b'7'..=b'9', ..] => Some(3),
        [b'0', b'3'..=b'9', _, _, ..] => Some(4),
        _ => None,
    }
}

/// Whether these digits are a landline with its area code.
pub(crate) fn is_landline(digits: &str) -> bool {
    let Some(area) = area_code_length(digits) else {
        return false;
    };
    is_local_number(&digits[area..])
}

/// Whether these digits are a landline without its area code.
pub(crate) fn is_local_number(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    matches!(bytes.len(), 7 | 8)
        && (b'2'..=b'9').contains(&bytes[0])
        && bytes.iter().all(u8::is_ascii_digit)
}

impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain: String = text.trim().chars().map(half_width).collect();
        let (main, extension) = split_extension(&plain)?;
        let has_plus = main.trim_start().starts_with('+');
        let digits = digits_of(main.trim_start().trim_start_matches('+'))?;
        let national = digits.strip_prefix("0086").or_else(|| {
            digits
                .strip_prefix("86")
                .filter(|_| has_plus || digits.len() > 11)
        });
        let national = national.unwrap_or(&digits);
        let is_foreign = has_plus && !digits.starts_with("86");
        let number = if is_foreign {
            ((7..=15).contains(&digits.len()) && !digits.starts_with('0'))
                .then(|| format!("+{digits}"))
        } else if is_mobile(national) {
            Some(format!("+86{national}"))
        } else if is_landline(national) {
            Some(format!("+86{}", &national[1..]))
        } else if national.len() < digits.len() && is_landline(&format!("0{national}")) {
            Some(format!("+86{national}")) // +86 831 …: the zero is left out after a country code
        } else {
            None
        };
        Ok(Self {
            number: number.ok_or(PhoneError::Shape)?,
            extension,
        })
    }
}

/// Splits `010-62000000-801` and `…转801` at the extension.
fn split_extension(plain: &str) -> Result<(&str, Option<String>), PhoneError> {
    if let Some((main, extension)) = plain.split_once(['转', '轉']) {
        let extension = digits_of(extension)?;
        return if (1..=6).contains(&extension.len()) {
            Ok((main, Some(extension)))
        } else {
            Err(PhoneError::Shape)
        };
    }
    if let Some((main, extension)) = plain.rsplit_once('-') {
        let is_whole = digits_of(main).is_ok_and(|digits| is_landline(&digits));
        if is_whole
            && (1..=6).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Ok((main, Some(extension.to_owned())));
        }
    }
    Ok((plain, None))
}

/// The digits of `text`, which may hold spaces, dashes, dots and brackets besides.
fn digits_of(text: &str) -> Result<String, PhoneError> {
    let mut digits = String::new();
    for symbol in text.chars() {
        if symbol.is_ascii_digit() {
            digits.push(symbol);
        } else if !matches!(symbol, ' ' | '-' | '.' | '(' | ')' | '—' | '–' | '\u{a0}') {
            return Err(PhoneError::Characters);
        }
    }
    Ok(digits)
}

impl fmt::Display for Phone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(national) = self.number.strip_prefix("+86") else {
            return formatter.pad(&hide_middle(&self.number, 4, 2));
        };
        if is_mobile(national) {
            return formatter.pad(&hide_middle(national, 3, 4));
        }
        let with_zero = format!("0{national}");
        let area = area_code_length(&with_zero).unwrap_or(0);
        formatter.pad(&hide_middle(&with_zero, area, 2))
    }
}

/// The first and last characters of `text`, four stars between them.
pub(crate) fn hide_middle(text: &str, first: usize, last: usize) -> String {
    let symbols: Vec<char> = text.chars().collect();
    let tail = symbols
        .len()
        .saturating_sub(last)
        .max(first.min(symbols.len()));
    let head: String = symbols.iter().take(first).collect();
    let end: String = symbols[tail..].iter().collect();
    format!("{head}****{end}")
}

/// What a person is called; printed as `张**`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(String);

impl PersonName {
    /// A name, trimmed; `None` for an empty text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| Self(trimmed.to_owned()))
    }

    /// The whole name, unmasked.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Family names of two characters.
pub(crate) const DOUBLE_SURNAMES: [&str; 10] = [
    "欧阳", "司马", "诸葛", "上官", "夏侯", "皇甫", "尉迟", "公孙", "司徒", "慕容",
];

impl fmt::Display for PersonName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_double = DOUBLE_SURNAMES
            .iter()
            .any(|surname| self.0.starts_with(surname));
        let shown: String = self.0.chars().take(if is_double { 2 } else { 1 }).collect();
        formatter.pad(&format!("{shown}**"))
    }
}

/// An e-mail address; printed as `a***@domain`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// The text is no e-mail address; never says the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an e-mail address such as name@example.com")]
pub struct EmailError;

impl Email {
    /// The address in lower case, unmasked.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain: String = text.trim().chars().map(half_width).collect();
        let lower = plain.to_lowercase();
        let (local, domain) = lower.rsplit_once('@').ok_or(EmailError)?;
        let is_word = |part: &str| {
            !part.is_empty()
                && !part
                    .chars()
                    .any(|symbol| symbol.is_whitespace() || symbol == '@')
        };
        let is_domain = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
        if is_word(local) && is_word(domain) && is_domain && lower.len() <= 254 {
            Ok(Self(lower))
        } else {
            Err(EmailError)
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&hide_local_part(&self.0))
    }
}

/// The first character and the domain of an address.
pub(crate) fn hide_local_part(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{domain}")
}

/// Who somebody is on a source that knows neither a phone nor an e-mail address; printed as `weibo:a***`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    source: String,
    name: String,
}

impl Account {
    /// An account `name` of `source`, both trimmed; `None` if either is empty.
    #[must_use]
    pub fn new(source: &str, name: &str) -> Option<Self> {
        let (source, name) = (source.trim(), name.trim());
        (!source.is_empty() && !name.is_empty()).then(|| Self {
            source: source.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Where the account is known; not personal.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The account's name, unmasked.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: String = self.name.chars().take(1).collect();
        formatter.pad(&format!("{}:{first}***", self.source))
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests;
