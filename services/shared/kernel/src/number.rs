//! Numbers that citizens read out: `YYMMDD-XXXXX-C` with a check character.
//!
//! The alphabet has no look-alikes (no 0, 1, I, L, O) outside the date. The check character makes a
//! weighted sum of all twelve characters zero modulo 31; 31 is prime and neighbouring weights differ by
//! one, so every single wrong character and every swap of neighbours is detected.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

/// The characters of a serial and of the check character; 31 of them.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Characters without the dashes.
const LENGTH: usize = 12;
/// How many characters the day takes.
const DAY_LENGTH: usize = 6;
/// The prime the weighted sum is taken by.
const MODULUS: u32 = 31;

/// The number of an appeal or a ticket, such as `261122-7K3QD-M`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketNumber(String);

/// Why a text is no [`TicketNumber`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text has another shape.
    #[error(
        "expected a number such as 261122-7K3QD-M: year, month, day, five characters, one check character"
    )]
    Shape,
    /// A character cannot stand where it stands.
    #[error(
        "character {position} cannot stand there; digits 0 and 1 and the letters I, L, O are used only in the day, as digits"
    )]
    Character {
        /// Which character, counted from 1 and without the dashes.
        position: usize,
    },
    /// The first six digits are no calendar day.
    #[error("the first six digits are no day; expected year, month and day such as 261122")]
    Day,
    /// The check character does not fit: something was misheard or mistyped.
    #[error("the check character does not fit; one character is wrong or two are swapped")]
    Check,
}

impl TicketNumber {
    /// Mints a number for `day`; `draw(n)` gives a number below `n`.
    ///
    /// Years are written with two digits and read as 2000 to 2099.
    #[must_use]
    pub fn mint(day: NaiveDate, draw: &mut dyn FnMut(u32) -> u32) -> Self {
        let mut plain = format!(
            "{:02}{:02}{:02}",
            day.year().rem_euclid(100),
            day.month(),
            day.day()
        );
        for _ in 0..5 {
            let drawn = draw(MODULUS) % MODULUS;
            plain.push(symbol(drawn));
        }
        plain.push(check_symbol(plain.as_bytes()));
        Self::dashed(&plain)
    }

    /// The number as text, with dashes and in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn dashed(plain: &str) -> Self {
        let (day, rest) = plain.split_at(DAY_LENGTH);
        let (serial, check) = rest.split_at(rest.len().saturating_sub(1));
        Self(format!("{day}-{serial}-{check}"))
    }
}

/// Strips the dashes where they belong; a text without any dash is taken too.
fn without_dashes(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if !text.is_ascii() {
        return None;
    }
    match bytes.len() {
        LENGTH if !bytes.contains(&b'-') => Some(text.to_owned()),
        14 if bytes[6] == b'-' && bytes[12] == b'-' => {
            Some(format!("{}{}{}", &text[..6], &text[7..12], &text[13..]))
        }
        _ => None,
    }
}

impl FromStr for TicketNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.trim().to_ascii_uppercase();
        let plain = without_dashes(&upper).ok_or(NumberError::Shape)?;
        for (index, byte) in plain.bytes().enumerate() {
            let fits = if index < DAY_LENGTH {
                byte.is_ascii_digit()
            } else {
                ALPHABET.contains(&byte)
            };
            if !fits {
                return Err(NumberError::Character {
                    position: index + 1,
                });
            }
        }
        let part = |from: usize| {
            plain[from..from + 2]
                .parse::<u32>()
                .map_err(|_| NumberError::Shape)
        };
        let year = i32::try_from(2000 + part(0)?).map_err(|_| NumberError::Day)?;
        NaiveDate::from_ymd_opt(year, part(2)?, part(4)?).ok_or(NumberError::Day)?;
        if weighted_sum(plain.as_bytes()) != 0 {
            return Err(NumberError::Check);
        }
        Ok(Self::dashed(&plain))
    }
}

/// What a character counts: digits count themselves, letters follow from 10, modulo 31.
///
/// Y and Z thereby count like 0 and 1, which stand only in the day, where no letter can stand.
fn value(byte: u8) -> u32 {
    let index = ALPHABET.iter().position(|&other| other == byte);
    index.map_or_else(
        || u32::from(byte.wrapping_sub(b'0')) % MODULUS,
        |place| (u32::try_from(place).unwrap_or(0) + 2) % MODULUS,
    )
}

/// The character of the alphabet at `index`.
fn symbol(index: u32) -> char {
    let place = usize::try_from(index % MODULUS).unwrap_or(0);
    char::from(ALPHABET[place])
}

/// The sum modulo 31, weights 12 down to 1 from the left.
fn weighted_sum(plain: &[u8]) -> u32 {
    let weights = (1_u32..=12).rev();
    plain
        .iter()
        .zip(weights)
        .map(|(&byte, weight)| value(byte) * weight)
        .sum::<u32>()
        % MODULUS
}

/// The check character for the first eleven characters.
fn check_symbol(plain: &[u8]) -> char {
    let missing = (MODULUS - weighted_sum(plain)) % MODULUS;
    // `symbol(i)` counts i + 2.
    symbol((missing + MODULUS - 2) % MODULUS)
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for TicketNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl serde::Serialize for TicketNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for TicketNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = TicketNumber> {
        (0_i64..36_000, proptest::collection::vec(0_u32..31, 5)).prop_map(|(offset, drawn)| {
            let first = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
            let mut rest = drawn.into_iter();
            TicketNumber::mint(first + chrono::Duration::days(offset), &mut |_| {
                rest.next().unwrap()
            })
        })
    }

    proptest! {
        #[test]
        fn a_minted_number_reads_back(number in numbers()) {
            prop_assert_eq!(number.as_str().parse::<TicketNumber>(), Ok(number.clone()));
            let lower = number.as_str().to_lowercase();
            prop_assert_eq!(lower.parse::<TicketNumber>(), Ok(number.clone()));
            let plain = number.as_str().replace('-', "");
            prop_assert_eq!(plain.parse::<TicketNumber>(), Ok(number));
        }

        #[test]
        fn every_single_wrong_character_is_refused(number in numbers()) {
            let good = number.as_str().as_bytes();
            for place in 0..good.len() {
                for other in (b'0'..=b'9').chain(b'A'..=b'Z') {
                    if other == good[place] { continue; }
                    let mut wrong = good.to_vec();
                    wrong[place] = other;
                    let wrong = String::from_utf8(wrong).unwrap();
                    prop_assert!(wrong.parse::<TicketNumber>().is_err(), "{} for {}", wrong, number);
                }
            }
        }

        #[test]
        fn every_swap_of_neighbours_is_refused(number in numbers()) {
            let good = number.as_str().replace('-', "").into_bytes();
            for place in 0..good.len() - 1 {
                if good[place] == good[place + 1] { continue; }
                let mut wrong = good.clone();
                wrong.swap(place, place + 1);
                let wrong = String::from_utf8(wrong).unwrap();
                prop_assert!(wrong.parse::<TicketNumber>().is_err(), "{} for {}", wrong, number);
            }
        }
    }

    #[test]
    fn a_text_that_is_no_number_is_refused_by_what_is_wrong() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let good = TicketNumber::mint(day, &mut |_| 5);
        assert!(good.as_str().starts_with("261122-77777-"), "{good}");
        let check = good.as_str().chars().last().unwrap();
        let other = if check == 'A' { 'B' } else { 'A' };
        let cases = [
            (String::new(), NumberError::Shape),
            ("261122".to_owned(), NumberError::Shape),
            ("261122-7777-77".to_owned(), NumberError::Shape),
            ("二61122-77777-7".to_owned(), NumberError::Shape),
            (
                format!("2611A2-77777-{check}"),
                NumberError::Character { position: 5 },
            ),
            (
                format!("261122-7O777-{check}"),
                NumberError::Character { position: 8 },
            ),
            (format!("261322-77777-{check}"), NumberError::Day),
            (format!("261122-77777-{other}"), NumberError::Check),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<TicketNumber>(), Err(expected), "{text}");
        }
    }
}
