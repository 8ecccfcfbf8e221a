//! Text on a terminal, where a Chinese character takes two columns.

use hotline_kernel::text::{truncate_to_width, width};

/// `text` on at most `lines_max` lines of at most `columns`, the last one shortened with `…`.
#[must_use]
pub fn wrap(text: &str, columns: usize, lines_max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text;
    while width(rest) > columns && lines.len() + 1 < lines_max {
        let end = fitting(rest, columns);
        lines.push(rest[..end].to_owned());
        rest = &rest[end..];
    }
    lines.push(truncate_to_width(rest, columns));
    lines
}

/// Bytes of the longest beginning of `text` that fits; at least one character.
fn fitting(text: &str, columns: usize) -> usize {
    let mut taken = 0;
    for (index, symbol) in text.char_indices() {
        let mut buffer = [0; 4];
        taken += width(symbol.encode_utf8(&mut buffer));
        if taken > columns && index > 0 {
            return index;
        }
    }
    text.len()
}

/// Widths that fit `available` columns: the widest columns give way first, none below its floor.
#[must_use]
pub fn fit(wanted: &[usize], floors: &[usize], available: usize) -> Vec<usize> {
    let mut widths = wanted.to_vec();
    let mut excess = widths.iter().sum::<usize>().saturating_sub(available);
    while excess > 0 {
        let candidates = widths
            .iter()
            .zip(floors)
            .enumerate()
            .filter(|(_, (width, floor))| width > floor);
        let Some((widest, _)) =
            candidates.max_by_key(|(index, (width, _))| (**width, usize::MAX - index))
        else {
            break;
        };
        widths[widest] -= 1;
        excess -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_at_columns_and_the_rest_is_shortened() {
        assert_eq!(wrap("小区路灯不亮", 12, 2), ["小区路灯不亮"]);
        assert_eq!(wrap("小区路灯不亮", 7, 2), ["小区路", "灯不亮"]);
        assert_eq!(
            wrap("小区路灯不亮请尽快修理", 8, 2),
            ["小区路灯", "不亮请…"]
        );
        assert_eq!(wrap("", 8, 2), [""]);
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        assert_eq!(fit(&[10, 40, 20], &[4, 4, 4], 50), [10, 20, 20]);
        assert_eq!(fit(&[10, 10], &[10, 4], 15), [10, 5]);
        assert_eq!(fit(&[10, 10], &[10, 10], 15), [10, 10]);
    }
}
