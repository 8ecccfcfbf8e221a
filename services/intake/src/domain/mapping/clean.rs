//! Cells as files hold them, made into what was meant.

/// What exports write for a carriage return, in XML and in what was copied from it.
const ESCAPED_RETURN: &str = "_x000D_";

/// A text of several lines: line ends are one kind, lines lose the blanks and tabs around them, blank
/// lines never stand twice, control characters go.
pub(super) fn lines(cell: &str) -> String {
    let plain = cell
        .replace(ESCAPED_RETURN, "\r")
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let mut text = String::with_capacity(plain.len());
    let mut blank = false;
    for line in plain.split('\n') {
        let line = line.trim_matches(is_blank);
        if line.is_empty() {
            blank = !text.is_empty();
            continue;
        }
        if !text.is_empty() {
            text.push_str(if blank { "\n\n" } else { "\n" });
        }
        blank = false;
        text.extend(
            line.chars()
                .filter(|letter| *letter == '\t' || !letter.is_control()),
        );
    }
    text
}

/// A text of one line: every run of blanks and line ends is one blank.
pub(super) fn line(cell: &str) -> String {
    let plain = cell.replace(ESCAPED_RETURN, " ");
    let words = plain.split(is_blank).filter(|word| !word.is_empty());
    words
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|letter| !letter.is_control())
        .collect()
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || letter == '\u{feff}' || letter == '\u{200b}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_lose_tabs_and_escaped_returns() {
        let cases = [
            (
                "\n\t\t\t\t\t\n\t\t\t\t\t路灯不亮。\n\t\t\t\t\t\n\t\t\t\t",
                "路灯不亮。",
            ),
            ("您好_x000D_\n第二行", "您好\n第二行"),
            ("您好_x000D__x000D_第二行", "您好\n\n第二行"),
            ("一\r\n\u{3000}\u{3000}二\r\r\r三", "一\n二\n\n三"),
            ("一\u{0}\u{8}二\t三", "一二\t三"),
            ("\u{feff} ", ""),
        ];
        for (cell, text) in cases {
            assert_eq!(lines(cell), text, "{cell:?}");
        }
    }

    #[test]
    fn a_line_stays_one_line() {
        let cases = [
            ("  路灯\n不亮\t了 ", "路灯 不亮 了"),
            ("a_x000D_\nb", "a b"),
            ("\u{3000}", ""),
        ];
        for (cell, text) in cases {
            assert_eq!(line(cell), text, "{cell:?}");
        }
    }
}
