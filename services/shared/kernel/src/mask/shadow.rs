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

/// The simplified form of the traditional characters that rules look for. A `match`, because every
/// character of every text comes through here: a search through a list was the dearest part of masking.
fn simplified(symbol: char) -> char {
    match symbol {
        '電' => '电',
        '話' => '话',
        '號' => '号',
        '證' => '证',
        '聯' => '联',
        '繫' => '系',
        '賬' | '帳' => '账',
        '護' => '护',
        '樓' => '楼',
        '棟' => '栋',
        '單' => '单',
        '債' => '债',
        '務' => '务',
        '車' => '车',
        '機' => '机',
        '擊' => '击',
        '撥' => '拨',
        '蘇' => '苏',
        '魯' => '鲁',
        '滬' => '沪',
        '貴' => '贵',
        '雲' => '云',
        '陝' => '陕',
        '遼' => '辽',
        '贛' => '赣',
        '粵' => '粤',
        '瓊' => '琼',
        '寧' => '宁',
        '晉' => '晋',
        '閩' => '闽',
        '張' => '张',
        '陳' => '陈',
        '劉' => '刘',
        '楊' => '杨',
        '趙' => '赵',
        '黃' => '黄',
        '吳' => '吴',
        '孫' => '孙',
        '馬' => '马',
        '羅' => '罗',
        '鄭' => '郑',
        '謝' => '谢',
        '韓' => '韩',
        '馮' => '冯',
        '鄧' => '邓',
        '許' => '许',
        '葉' => '叶',
        '蕭' => '萧',
        '閻' => '阎',
        '龍' => '龙',
        '錢' => '钱',
        '湯' => '汤',
        '鄒' => '邹',
        '餘' => '余',
        '歐' => '欧',
        '陽' => '阳',
        _ => symbol,
    }
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
