//! Check digits and dates inside numbers.

use chrono::NaiveDate;

/// Whether 18 characters are a resident identity number: check character (GB 11643-1999) and a real day.
pub(super) fn is_identity_number(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: [u8; 11] = *b"10X98765432";
    let bytes = text.as_bytes();
    if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) || bytes[0] == b'0' {
        return false;
    }
    let sum: u32 = bytes
        .iter()
        .zip(WEIGHTS)
        .map(|(byte, weight)| u32::from(byte - b'0') * weight)
        .sum();
    let expected = CHECKS[usize::try_from(sum % 11).unwrap_or(0)];
    let century_fits = matches!(&text[6..8], "18" | "19" | "20");
    century_fits
        && is_day(&text[6..10], &text[10..12], &text[12..14])
        && bytes[17].to_ascii_uppercase() == expected
}

/// Whether 15 digits have the shape of an identity number as issued until 1999.
pub(super) fn is_old_identity_number(digits: &str) -> bool {
    let is_number = digits.len() == 15
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    is_number
        && is_day(
            &format!("19{}", &digits[6..8]),
            &digits[8..10],
            &digits[10..12],
        )
}

fn is_day(year: &str, month: &str, day: &str) -> bool {
    let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse(), day.parse()) else {
        return false;
    };
    NaiveDate::from_ymd_opt(year, month, day).is_some()
}

/// Whether the last digit fits by Luhn's formula (ISO/IEC 7812-1).
pub(super) fn is_luhn(digits: &str) -> bool {
    let mut sum = 0;
    for (place, byte) in digits.bytes().rev().enumerate() {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        let counted = if place % 2 == 1 { digit * 2 } else { digit };
        sum += if counted > 9 { counted - 9 } else { counted };
    }
    sum % 10 == 0
}

/// Whether 18 characters are a unified social credit code with its check character (GB 32100-2015).
pub(super) fn is_credit_code(text: &str) -> bool {
    const SYMBOLS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let bytes = text.as_bytes();
    if bytes.len() != 18 || !bytes[2..8].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut sum = 0;
    let mut weight = 1;
    for &byte in &bytes[..17] {
        let Some(value) = SYMBOLS.iter().position(|&symbol| symbol == byte) else {
            return false;
        };
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    bytes[17] == SYMBOLS[(31 - sum % 31) % 31]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_numbers_need_their_check_character_and_a_real_day() {
        let good = [
            "999900199001010014",
            "999900200002291028",
            "999900194912310023",
            "99990020000101001X",
            "99990020000101001x",
        ];
        for number in good {
            assert!(is_identity_number(number), "{number}");
        }
        let bad = [
            "999900199001010010",
            "999900199001010041",
            "999900190002291024",
            "99990019900101001",
            "099900199001010014",
        ];
        for number in bad {
            assert!(!is_identity_number(number), "{number}");
        }
        assert!(is_old_identity_number("999900900101001"));
        assert!(!is_old_identity_number("999900901301001"));
    }

    #[test]
    fn accounts_and_company_codes_need_their_check_character() {
        for number in ["6217000000000000004", "6222020000000000000"] {
            assert!(is_luhn(number), "{number}");
        }
        assert!(!is_luhn("6217000000000000005"));
        for code in [
            "91440300708461136T",
            "91110000802100433B",
            "11511000MB00000003",
        ] {
            assert!(is_credit_code(code), "{code}");
        }
        for code in [
            "91440300708461136U",
            "91440300708461136",
            "9144030070846113OT",
        ] {
            assert!(!is_credit_code(code), "{code}");
        }
    }
}
