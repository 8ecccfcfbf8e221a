//! The plain form of a text in which rules look: half width, simplified, numerals as digits.

/// How a symbol writes a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// 0 to 9, full width included.
    Arabic,
    /// 一二三, 壹贰叁, 幺.
    Chinese,
    /// O for 0, l for 1.
    Lookalike,
}

/// Numerals and look-alikes count as digits only where at least this many stand together: 一一对应 is a word.
const NUMERAL_RUN_MIN: usize = 7;
/// How many separators may stand between two groups of one number.
pub(super) const SEPARATORS_MAX: usize = 2;

/// A text, symbol by symbol: symbol n here is character n there.
pub(super) struct Shadow {
    symbols: Vec<char>,
    scripts: Vec<Option<Script>>,
    text: String,
    /// Where symbol n begins in `text`, and the end.
    starts: Vec<usize>,
    /// Where character n begins in the original, and the end.
    origins: Vec<usize>,
}

impl Shadow {
    /// The plain form of `original`.
    pub(super) fn of(original: &str) -> Self {
        let mut symbols: Vec<char> = original
            .chars()
            .map(|symbol| simplified(half_width(symbol)))
            .collect();
        let scripts = scripts_of(&symbols);
        for (symbol, script) in symbols.iter_mut().zip(&scripts) {
            if let Some(digit) = script.and_then(|_| digit_of(*symbol)) {
                *symbol = digit;
            }
        }
        let mut origins: Vec<usize> = original.char_indices().map(|(start, _)| start).collect();
        origins.push(original.len());
        let text: String = symbols.iter().collect();
        let mut starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
        starts.push(text.len());
        Self {
            symbols,
            scripts,
            text,
            starts,
            origins,
        }
    }

    /// How many symbols there are.
    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// The plain text, for patterns.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Which symbol begins at `byte` of the plain text.
    pub(super) fn symbol_at(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start < byte)
    }

    /// The symbol at `index`.
    pub(super) fn get(&self, index: usize) -> Option<char> {
        self.symbols.get(index).copied()
    }

    /// The symbol before `index`.
    pub(super) fn before(&self, index: usize) -> Option<char> {
        index.checked_sub(1).and_then(|previous| self.get(previous))
    }

    /// How the symbol at `index` writes a digit, if it does.
    pub(super) fn script(&self, index: usize) -> Option<Script> {
        self.scripts.get(index).copied().flatten()
    }

    /// The original characters of the symbols from `start` to `end`.
    pub(super) fn original<'text>(
        &self,
        original: &'text str,
        start: usize,
        end: usize,
    ) -> &'text str {
        &original[self.origins[start]..self.origins[end.max(start)]]
    }

    /// Whether nothing but white space stands around the symbols from `start` to `end`.
    pub(super) fn is_alone(&self, start: usize, end: usize) -> bool {
        let is_blank = |symbols: &[char]| symbols.iter().all(|symbol| symbol.is_whitespace());
        is_blank(&self.symbols[..start]) && is_blank(&self.symbols[end..])
    }

    /// Whether one of `words` stands shortly before `start`, with no digit, mask or full stop between.
    pub(super) fn has_cue(&self, start: usize, words: &[&str]) -> bool {
        const WINDOW: usize = 14;
        let window = &self.symbols[start.saturating_sub(WINDOW)..start];
        let is_end = |symbol: &char| {
            symbol.is_ascii_digit() || matches!(symbol, '*' | '〔' | '〕' | '。' | '\n')
        };
        let from = window.iter().rposition(is_end).map_or(0, |place| place + 1);
        let near: String = window[from..].iter().collect();
        words.iter().any(|word| near.contains(word))
    }
}

/// The half-width form of a full-width character; others stay.
#[must_use]
pub fn half_width(symbol: char) -> char {
    match symbol {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(symbol) - 0xfee0).unwrap_or(symbol),
        '\u{3000}' => ' ',
        _ => symbol,
    }
}

/// The simplified form of the traditional characters that rules look for.
fn simplified(symbol: char) -> char {
    const TRADITIONAL: &str = "電話號證聯繫賬帳護樓棟單債務車機擊撥蘇魯滬貴雲陝遼贛粵瓊寧晉閩張陳劉楊趙黃吳孫馬羅鄭謝韓馮鄧許葉蕭趙閻龍錢湯鄒餘歐陽";
    const SIMPLIFIED: &str = "电话号证联系账账护楼栋单债务车机击拨苏鲁沪贵云陕辽赣粤琼宁晋闽张陈刘杨赵黄吴孙马罗郑谢韩冯邓许叶萧赵阎龙钱汤邹余欧阳";
    if !('\u{4e00}'..='\u{9fff}').contains(&symbol) {
        return symbol;
    }
    let place = TRADITIONAL.chars().position(|other| other == symbol);
    place
        .and_then(|index| SIMPLIFIED.chars().nth(index))
        .unwrap_or(symbol)
}

/// The digit a symbol can stand for.
fn digit_of(symbol: char) -> Option<char> {
    let digit = match symbol {
        '0'..='9' => symbol,
        '零' | '〇' | '○' | 'O' | 'o' => '0',
        '一' | '壹' | '幺' | 'l' | 'I' => '1',
        '二' | '贰' | '貳' => '2',
        '三' | '叁' | '叄' => '3',
        '四' | '肆' => '4',
        '五' | '伍' => '5',
        '六' | '陆' | '陸' => '6',
        '七' | '柒' => '7',
        '八' | '捌' => '8',
        '九' | '玖' => '9',
        _ => return None,
    };
    Some(digit)
}

/// Whether a symbol can stand inside a number that is written in groups.
pub(super) fn is_separator(symbol: char) -> bool {
    matches!(
        symbol,
        ' ' | '\t' | '-' | '.' | '_' | '—' | '–' | '‐' | '·' | '\u{a0}' | '\u{200b}'
            ..='\u{200d}' | '\u{2060}' | '\u{feff}'
    )
}

/// How each symbol writes a digit; numerals and look-alikes only where enough of them stand together.
fn scripts_of(symbols: &[char]) -> Vec<Option<Script>> {
    let mut scripts: Vec<Option<Script>> =
        symbols.iter().map(|&symbol| first_guess(symbol)).collect();
    drop_letters_of_words(symbols, &mut scripts);
    let mut start = 0;
    while start < symbols.len() {
        if scripts[start].is_none() {
            start += 1;
            continue;
        }
        let end = end_of_run(symbols, &scripts, start);
        let count = scripts[start..end].iter().flatten().count();
        if count < NUMERAL_RUN_MIN {
            for script in &mut scripts[start..end] {
                script.take_if(|script| *script != Script::Arabic);
            }
        }
        start = end;
    }
    scripts
}

fn first_guess(symbol: char) -> Option<Script> {
    digit_of(symbol).map(|_| match symbol {
        '0'..='9' => Script::Arabic,
        'O' | 'o' | 'l' | 'I' => Script::Lookalike,
        _ => Script::Chinese,
    })
}

/// A look-alike counts only in letters that are all look-alikes and touch a digit.
fn drop_letters_of_words(symbols: &[char], scripts: &mut [Option<Script>]) {
    let mut start = 0;
    while start < symbols.len() {
        if !symbols[start].is_ascii_alphabetic() {
            start += 1;
            continue;
        }
        let length = symbols[start..]
            .iter()
            .take_while(|symbol| symbol.is_ascii_alphabetic())
            .count();
        let end = start + length;
        let are_lookalikes = scripts[start..end].iter().all(Option::is_some);
        let touches_digit = start
            .checked_sub(1)
            .is_some_and(|before| scripts[before] == Some(Script::Arabic))
            || scripts.get(end).copied().flatten() == Some(Script::Arabic);
        if !(are_lookalikes && touches_digit) {
            scripts[start..end].fill(None);
        }
        start = end;
    }
}

/// Where the run of digits and single separators that begins at `start` ends.
fn end_of_run(symbols: &[char], scripts: &[Option<Script>], start: usize) -> usize {
    let mut end = start + 1;
    let mut gap = 0;
    for index in start + 1..symbols.len() {
        if scripts[index].is_some() {
            end = index + 1;
            gap = 0;
        } else if is_separator(symbols[index]) && gap < SEPARATORS_MAX {
            gap += 1;
        } else {
            break;
        }
    }
    end
}
