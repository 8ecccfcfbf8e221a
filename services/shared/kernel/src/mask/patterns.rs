//! Finds what has a written shape: addresses, plates, names, dates of birth, amounts.

use regex::{Captures, Match, Regex};

use super::Found;
use super::shadow::Shadow;

/// The family names that stand after a cue; those of two characters first.
const SURNAMES: &str = "欧阳|司马|诸葛|上官|夏侯|皇甫|尉迟|公孙|司徒|慕容|[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫经房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉龚程邢裴陆荣翁荀惠曲家封储靳段富巫乌焦巴牧车侯宓蓬全班秋仲伊宫宁仇栾暴甘厉戎祖武符刘景詹束龙叶幸司韶郜黎溥印宿白怀蒲邰从索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰雍桑桂牛寿通边扈燕冀尚农温别庄晏柴瞿阎充慕连习艾鱼容向古易慎廖终居衡步都耿满弘匡国文寇广东欧蔚越夔隆师巩聂关荆闫肖]";
/// What follows a name of two characters rather than being its third.
const AFTER_NAME: &str = "的是在住现今来电和想反因于有已将要说也我你您他她年岁男女先家向对从把被让给请就都不没前后为与及或投举申咨求建表是系";
/// What begins like a name after a cue and is none.
const NO_NAMES: [&str; 20] = [
    "居委", "高新", "经开", "广东", "广场", "国家", "万达", "安全", "和平", "成都", "于是", "全家",
    "车来", "车去", "车到", "常委", "明天", "方便", "单位", "物业",
];
/// Amounts and numbers in Chinese writing.
const CHINESE_NUMBER: &str = "[零〇一二两三四五六七八九十百千万]+";

type Reader = fn(&Shadow, &Captures<'_>) -> Option<Found>;

/// The patterns, compiled.
#[derive(Clone, Debug)]
pub(super) struct Patterns(Vec<(Regex, Reader)>);

impl Patterns {
    /// Compiles the patterns of this module.
    #[expect(
        clippy::expect_used,
        reason = "the patterns are constants of this module and a test compiles them"
    )]
    pub(super) fn compiled() -> Self {
        let table: [(String, Reader); 11] = [
            (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}".to_owned(), email),
            (r"(?i)QQ(?:号码|号)?(?:是|为)?[:]?\s*\d{5,11}".to_owned(), qq),
            (r"(?i)(?:微信|威信|VX|V信)(?:号码|号)?(?:[:]|是|为)\s*([A-Za-z][-A-Za-z0-9_]{5,40})".to_owned(), wechat),
            (r"(?i)([EG]\d{8}|E[A-HJ-NP-Z]\d{7}|[DSP]E?\d{7,8})".to_owned(), passport),
            (r"(?i)([HM]\d{8}(?:\d{2})?)".to_owned(), home_return_permit),
            (r"(?i)([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z])[·•・.\-\s]?([DF][A-HJ-NP-Z0-9]\d{4}|\d{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])".to_owned(), plate),
            (birth_after_cue(), birth),
            (birth_before_cue(), birth),
            (address_detail(), address),
            (format!(r"(?:我叫|本人叫|名字(?:是|叫|为|[:])|本人姓名|姓名(?:是|为|[:])|联系人(?:是|为|[:])|法人(?:代表)?[:]|(?:投诉|举报|反映|来电|申请)人(?:姓名)?[:]|户主[:])\s*({SURNAMES})(\p{{Han}}{{1,2}})"), name),
            (format!(r"(?:存款|工资|月薪|年薪|月收入|年收入|低保金|欠款|房贷|债务)[^0-9零〇一二两三四五六七八九十百千万*〔。;\n]{{0,8}}([0-9][0-9,]*(?:\.[0-9]+)?(?:万|千|百)?|{CHINESE_NUMBER})(?:余|多)?(?:元|块)"), money),
        ];
        Self(
            table
                .into_iter()
                .map(|(pattern, read)| {
                    (
                        Regex::new(&pattern).expect("the pattern is well formed"),
                        read,
                    )
                })
                .collect(),
        )
    }

    /// Everything the patterns find; parts may overlap.
    pub(super) fn find(&self, shadow: &Shadow) -> Vec<Found> {
        let mut found = Vec::new();
        for (pattern, read) in &self.0 {
            found.extend(
                pattern
                    .captures_iter(shadow.text())
                    .filter_map(|captures| read(shadow, &captures)),
            );
        }
        found
    }
}

fn birth_after_cue() -> String {
    format!(
        r"(?:出生(?:日期|年月|时间)?|生日|生于)(?:是|为)?[:]?\s*{YEAR}({MONTH_AND_DAY}|[01][0-9][0-3][0-9])"
    )
}

fn birth_before_cue() -> String {
    format!(r"{YEAR}({MONTH_AND_DAY})(?:出生|生人)")
}

const YEAR: &str = r"(?:(?:19|20)[0-9]{2}|[一二][零〇一二三四五六七八九]{3})";
const MONTH_AND_DAY: &str = r"[年\-/.](?:1[0-2]|0?[1-9]|[一二三四五六七八九十]{1,2})(?:[月\-/.](?:[12][0-9]|3[01]|0?[1-9]|[一二三四五六七八九十]{1,3})[日号]?|月)?";

fn address_detail() -> String {
    let arabic = r"[0-9]{1,4}(?:号楼|幢|栋|座)(?:[0-9]{1,2}单元)?(?:[0-9]{1,2}[楼层])?(?:[0-9]{2,4}(?:室|号|户)?)?|[0-9]{1,2}单元(?:[0-9]{1,2}[楼层])?(?:[0-9]{2,4}(?:室|号|户)?)?|[0-9]{3,4}室";
    let chinese = "[零〇一二三四五六七八九十]{1,4}(?:号楼|幢|栋|座)[零〇一二三四五六七八九十0-9]{1,3}(?:单元|楼|层)(?:[零〇一二三四五六七八九十0-9]{1,4}(?:室|号|户)?)?|[零〇一二三四五六七八九十]{1,3}单元[零〇一二三四五六七八九十0-9]{1,4}(?:室|号|户)?";
    format!("{arabic}|{chinese}")
}

/// The symbols from the start to the end of `part`.
fn span(shadow: &Shadow, part: Match<'_>) -> (usize, usize) {
    (shadow.symbol_at(part.start()), shadow.symbol_at(part.end()))
}

fn replaced(rule: &'static str, (start, end): (usize, usize), by: &str) -> Found {
    Found {
        rule,
        start,
        end,
        internal: by.to_owned(),
        public: by.to_owned(),
    }
}

fn is_letter_or_digit(symbol: Option<char>) -> bool {
    symbol.is_some_and(|symbol| symbol.is_ascii_alphanumeric())
}

fn email(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    let whole = captures.get(0)?;
    let masked = crate::personal::hide_local_part(whole.as_str());
    Some(replaced("email", span(shadow, whole), &masked))
}

fn qq(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    let (start, end) = span(shadow, captures.get(0)?);
    if shadow
        .get(end)
        .is_some_and(|symbol| symbol.is_ascii_digit())
        || is_letter_or_digit(shadow.before(start))
    {
        return None;
    }
    Some(replaced("qq", (start, end), "QQ〔社交号〕"))
}

fn wechat(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    Some(replaced(
        "wechat",
        span(shadow, captures.get(1)?),
        "〔社交号〕",
    ))
}

/// A certificate's number: bounded, and named by a cue or alone.
fn certificate(
    shadow: &Shadow,
    rule: &'static str,
    part: Match<'_>,
    cues: &[&str],
) -> Option<Found> {
    let (start, end) = span(shadow, part);
    let is_bounded =
        !is_letter_or_digit(shadow.before(start)) && !is_letter_or_digit(shadow.get(end));
    (is_bounded && (shadow.has_cue(start, cues) || shadow.is_alone(start, end)))
        .then(|| replaced(rule, (start, end), "〔证件〕"))
}

fn passport(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    certificate(shadow, "passport", captures.get(1)?, &["护照"])
}

fn home_return_permit(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    certificate(shadow, "hkmo", captures.get(1)?, &["通行证", "回乡证"])
}

fn plate(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    let (whole, place, serial) = (captures.get(0)?, captures.get(1)?, captures.get(2)?);
    let (start, end) = span(shadow, whole);
    let digits = serial.as_str().bytes().filter(u8::is_ascii_digit).count();
    if is_letter_or_digit(shadow.get(end)) || digits < 2 {
        return None;
    }
    Some(replaced(
        "plate",
        (start, end),
        &format!("{}·***", place.as_str().to_uppercase()),
    ))
}

fn birth(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    let (start, end) = span(shadow, captures.get(1)?);
    if shadow
        .get(end)
        .is_some_and(|symbol| symbol.is_ascii_digit())
    {
        return None;
    }
    Some(replaced("birth", (start, end), "年**"))
}

fn address(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    let (start, mut end) = span(shadow, captures.get(0)?);
    if shadow
        .before(start)
        .is_some_and(|symbol| symbol.is_ascii_digit())
    {
        return None;
    }
    // Digits that go on behind the match begin another number: give them back.
    let goes_on = shadow
        .get(end)
        .is_some_and(|symbol| symbol.is_ascii_digit() || symbol == '*');
    while goes_on
        && shadow
            .before(end)
            .is_some_and(|symbol| symbol.is_ascii_digit())
    {
        end -= 1;
    }
    // 新建3座公厕 counts towers, it is no address.
    let is_count = shadow.before(end) == Some('座') && !captures.get(0)?.as_str().contains('单');
    (end > start && !is_count).then(|| replaced("addr_detail", (start, end), "**"))
}

fn name(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    let (surname, given) = (captures.get(1)?, captures.get(2)?);
    let rest = &shadow.text()[surname.start()..];
    if NO_NAMES.iter().any(|word| rest.starts_with(word)) {
        return None;
    }
    let (start, mut end) = span(shadow, given);
    if shadow.get(end) == Some('*') {
        return None; // 欧阳** is masked already
    }
    if end - start == 2
        && shadow
            .before(end)
            .is_some_and(|symbol| AFTER_NAME.contains(symbol))
    {
        end -= 1;
    }
    Some(Found {
        rule: "name_cue",
        start,
        end,
        internal: "**".to_owned(),
        public: "某某".to_owned(),
    })
}

fn money(shadow: &Shadow, captures: &Captures<'_>) -> Option<Found> {
    Some(replaced("money", span(shadow, captures.get(1)?), "**"))
}
