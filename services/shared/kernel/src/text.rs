//! Text: one normal form, sameness, and columns on a terminal.

use sha2::{Digest, Sha256};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for the part that was cut off.
const ELLIPSIS: char = '…';

/// The form in which text is stored: NFC, line ends `\n`, trimmed, no control characters but `\n` and `\t`.
#[must_use]
pub fn normalise(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_kept = |symbol: &char| !is_stripped(*symbol);
    // Nearly every text is in NFC already, and to see that is several times cheaper than to compose it.
    let kept: String = if is_nfc_quick(unified.chars()) == IsNormalized::Yes {
        unified.chars().filter(is_kept).collect()
    } else {
        unified.nfc().filter(is_kept).collect()
    };
    kept.trim().to_owned()
}

/// Control characters and marks that no reader sees: byte order mark, zero-width space, text direction.
fn is_stripped(symbol: char) -> bool {
    let unseen = matches!(
        symbol,
        '\u{feff}' | '\u{200b}' | '\u{2060}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
    );
    unseen || (symbol.is_control() && symbol != '\n' && symbol != '\t')
}

/// A short name for what a text says, equal for texts that differ only in white space, punctuation, letter
/// case or full-width forms; empty for a text without a letter or digit, which is the same as no other text.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    let folded = fold(text);
    if folded.is_empty() {
        return folded;
    }
    let mut name = String::with_capacity(64);
    for byte in Sha256::digest(folded.as_bytes()) {
        name.extend(char::from_digit(u32::from(byte >> 4), 16));
        name.extend(char::from_digit(u32::from(byte & 15), 16));
    }
    name
}

/// Letters and digits alone, compatibility forms (full width among them) folded, in lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkc()
        .filter(|symbol| symbol.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Columns on a terminal: two for a Chinese character.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` followed by spaces up to `columns`; longer text stays as it is.
#[must_use]
pub fn pad_to_width(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Spaces up to `columns`, then `text`: for numbers.
#[must_use]
pub fn pad_left_to_width(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(text));
    format!("{}{text}", " ".repeat(missing))
}

/// `text` cut so that it takes at most `columns`, with an ellipsis where it was cut.
#[must_use]
pub fn truncate_to_width(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let mut used = 0;
    let mut cut = String::new();
    for symbol in text.chars() {
        used += symbol.width().unwrap_or(0);
        if used > room {
            break;
        }
        cut.push(symbol);
    }
    if columns > 0 {
        cut.push(ELLIPSIS);
    }
    cut
}

/// `text` on one line, cut to at most `max_chars` characters with an ellipsis where it was cut.
#[must_use]
pub fn shorten(text: &str, max_chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max_chars {
        return line;
    }
    let mut cut: String = line.chars().take(max_chars.saturating_sub(1)).collect();
    if max_chars > 0 {
        cut.push(ELLIPSIS);
    }
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn normal_text_has_one_kind_of_line_end_and_no_hidden_marks() {
        let cases = [
            ("  路灯不亮\r\n已三天\r ", "路灯不亮\n已三天"),
            ("\u{feff}标题\u{0}\u{7}\t正文", "标题\t正文"),
            ("e\u{301}", "é"),
            ("零\u{200b}宽", "零宽"),
        ];
        for (given, expected) in cases {
            assert_eq!(normalise(given), expected, "{given:?}");
        }
    }

    #[test]
    fn the_same_words_have_the_same_fingerprint() {
        let plain = fingerprint("样例路12号路灯不亮,已经3天");
        assert_eq!(plain.len(), 64);
        for other in [
            "样例路12号路灯不亮，已经３天。",
            " 样例路 12号\n路灯不亮！已经3天",
            "样例路12号「路灯」不亮…已经3天",
        ] {
            assert_eq!(fingerprint(other), plain, "{other}");
        }
        assert_ne!(fingerprint("样例路13号路灯不亮,已经3天"), plain);
        assert_eq!(fingerprint("。。！ \n"), "");
    }

    #[test]
    fn columns_count_chinese_characters_twice() {
        assert_eq!(width("路灯a1"), 6);
        assert_eq!(pad_to_width("路灯", 6), "路灯  ");
        assert_eq!(pad_left_to_width("12", 4), "  12");
        assert_eq!(pad_to_width("路灯不亮", 6), "路灯不亮");
        assert_eq!(truncate_to_width("路灯不亮", 8), "路灯不亮");
        assert_eq!(truncate_to_width("路灯不亮", 7), "路灯不…");
        assert_eq!(truncate_to_width("路灯不亮", 6), "路灯…");
        assert_eq!(truncate_to_width("路灯", 0), "");
        assert_eq!(shorten("路灯\n不亮三天", 4), "路灯 …");
        assert_eq!(shorten("路灯", 2), "路灯");
        assert_eq!(shorten("路灯", 0), "");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}[\\r\\n\\t\\x00-\\x1f]{0,3}\\PC{0,40}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn cut_text_fits(text in "\\PC{0,60}", columns in 0_usize..30) {
            prop_assert!(width(&truncate_to_width(&text, columns)) <= columns);
            prop_assert!(shorten(&text, columns).chars().count() <= columns);
        }
    }
}
