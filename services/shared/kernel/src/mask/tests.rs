//! The masker against the published examples and cases of its own.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Masker, RULES};

static MASKER: LazyLock<Masker> = LazyLock::new(Masker::standard);

/// The longest run of digits that is left.
fn clear_digits(text: &str) -> usize {
    text.split(|symbol: char| !symbol.is_ascii_digit())
        .map(str::len)
        .max()
        .unwrap_or(0)
}

/// Every example of `csv` is found by its rule and by no other, or left as it is; returns how many there were.
fn examples_hold(csv: &str) -> usize {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let mut seen = 0;
    for record in reader.records() {
        let record = record.unwrap();
        let cell = |name: &str| {
            column(name)
                .and_then(|place| record.get(place))
                .unwrap_or_default()
        };
        let id = cell("id");
        let is_kept = cell("kept") == "yes" || cell("public_mask") == "keep";
        assert!(RULES.iter().any(|rule| rule.id == id), "no rule {id}");
        for example in cell("positive_examples")
            .split(';')
            .filter(|example| !example.is_empty())
        {
            assert_eq!(MASKER.findings(example), [id], "{example}");
            for masked in [MASKER.internal(example), MASKER.public(example)] {
                assert_eq!(masked == example, is_kept, "{id}: {example} -> {masked}");
                assert!(
                    is_kept || clear_digits(&masked) <= 4,
                    "{id}: {example} -> {masked}"
                );
            }
            seen += 1;
        }
        for example in cell("negative_examples")
            .split(';')
            .filter(|example| !example.is_empty())
        {
            assert_eq!(MASKER.internal(example), example, "{id}");
            assert_eq!(MASKER.public(example), example, "{id}");
            seen += 1;
        }
    }
    seen
}

#[test]
fn the_examples_of_every_rule_hold() {
    assert!(examples_hold(include_str!("examples.csv")) >= 45);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(3)
        .unwrap();
    // A real file beside the checkout, not part of the project; where it is absent, only our own examples are run.
    let beside = root.join("../shared/data/pii_rules.csv");
    if let Ok(published) = std::fs::read_to_string(&beside) {
        assert!(
            examples_hold(&published) >= 45,
            "too few examples in {}",
            beside.display()
        );
    }
}

/// Given, masked for readers inside, masked for the public.
const PERSONAL: &[(&str, &str, &str)] = &[
    (
        "我的电话是19900000001,请回电",
        "我的电话是199****0001,请回电",
        "我的电话是〔号码〕,请回电",
    ),
    (
        "电话１９９　００００　０００１",
        "电话199****0001",
        "电话〔号码〕",
    ),
    (
        "电话一九九零零零零零零零一。",
        "电话199****0001。",
        "电话〔号码〕。",
    ),
    (
        "电话幺玖玖-零零零零-零零零幺",
        "电话199****0001",
        "电话〔号码〕",
    ),
    ("电话199OOOO0001", "电话199****0001", "电话〔号码〕"),
    ("電話:199.0000.0001", "電話:199****0001", "電話:〔号码〕"),
    (
        "第一19900000001,第二19900000002",
        "第一199****0001,第二199****0002",
        "第一〔号码〕,第二〔号码〕",
    ),
    (
        "19900000001 19900000002",
        "199****0001 199****0002",
        "〔号码〕 〔号码〕",
    ),
    ("**19900000001**", "**199****0001**", "**〔号码〕**"),
    ("+86 199 0000 0001", "+199****0001", "+〔号码〕"),
    ("座机0832-2000000转801", "座机0832****00", "座机〔号码〕"),
    ("单位座机2000000", "单位座机〔号码〕", "单位座机〔号码〕"),
    (
        "身份证9999 0019 9001 0100 14",
        "身份证〔证件〕",
        "身份证〔证件〕",
    ),
    (
        "身份证99990020000101001x。",
        "身份证〔证件〕。",
        "身份证〔证件〕。",
    ),
    (
        "身份证号999900900101001",
        "身份证号〔证件〕",
        "身份证号〔证件〕",
    ),
    ("护照号码E12345678", "护照号码〔证件〕", "护照号码〔证件〕"),
    (
        "卡号6217 0000 0000 0000 004",
        "卡号****0004",
        "卡号****0004",
    ),
    (
        "对公账号 51000000000012",
        "对公账号 ****0012",
        "对公账号 ****0012",
    ),
    (
        "19900000001@example.com",
        "1***@example.com",
        "1***@example.com",
    ),
    ("车牌川k12345占道", "车牌川K·***占道", "车牌川K·***占道"),
    (
        "我叫张三,住在样例路",
        "我叫张**,住在样例路",
        "我叫张某某,住在样例路",
    ),
    (
        "我叫张三住在样例路",
        "我叫张**住在样例路",
        "我叫张某某住在样例路",
    ),
    ("姓名:歐陽建国", "姓名:歐陽**", "姓名:歐陽某某"),
    (
        "住样例花园3栋2单元501室漏水",
        "住样例花园**漏水",
        "住样例花园**漏水",
    ),
    (
        "住样例花园三栋二单元五零一漏水",
        "住样例花园**漏水",
        "住样例花园**漏水",
    ),
    ("住3栋19900000001", "住**199****0001", "住**〔号码〕"),
    (
        "生于一九九〇年一月一日",
        "生于一九九〇年**",
        "生于一九九〇年**",
    ),
    ("1990年1月1日出生", "1990年**出生", "1990年**出生"),
    ("我月薪三千元", "我月薪**元", "我月薪**元"),
    (
        "微信号：abc_def123",
        "微信号：〔社交号〕",
        "微信号：〔社交号〕",
    ),
];

#[test]
fn personal_data_is_masked_however_it_is_written() {
    for (given, internal, public) in PERSONAL {
        assert_eq!(MASKER.internal(given), *internal, "internal: {given}");
        assert_eq!(MASKER.public(given), *public, "public: {given}");
    }
}

#[test]
fn what_is_not_personal_stays_as_it_was_written() {
    let cases = [
        "拨打12345、110、95598、12315都没人接",
        "电话95598 123没人接",
        "拨打１２３４５、１１０、９５５９８都没人接",
        "拨打一二三四五、一一零、九五五九八、幺二三四五都没人接",
        "12345/110/119/120/122/95598/12328打遍了",
        "拨打12345 2次，12315 3次",
        "统一社会信用代码91440300708461136T",
        "工单号261122-7K3QD-M，编号２０２６１１２２０００１",
        "样例公司91440300708461136T欠薪",
        "2026年11月22日10时30分至2026-11-23",
        "一一对应，七七八八，三三两两，五六七八个人",
        "新建3座公厕，3号线，12路公交，一座桥，两栋违建",
        "电话费2000000元",
        "热线400-000-0001",
        "罚款200元，电价0.5元",
        "川菜馆油烟，贵阳路积水",
        "我叫外卖，联系人：物业公司",
        "hello Ollie, Il 1O",
        "订单号20261122000000000000123",
        "生效日期2026年1月1日",
        "报价6217000.000000000004元",
    ];
    for text in cases {
        assert_eq!(MASKER.internal(text), text);
        assert_eq!(MASKER.public(text), text);
    }
}

#[test]
fn a_company_code_that_could_be_a_person_is_hidden_unless_it_is_named_as_a_company() {
    // All 18-digit identity numbers of area 999900 that are valid company codes too: search for one.
    let both = (0..1000).find_map(|serial| {
        (0..=9)
            .map(|check| format!("99990019900101{serial:03}{check}"))
            .find(|text| {
                super::checks::is_identity_number(text) && super::checks::is_credit_code(text)
            })
    });
    let number = both.expect("one in 31 identity numbers is a company code too");
    assert_eq!(MASKER.internal(&format!("号码{number}")), "号码〔证件〕");
    let named = format!("统一社会信用代码{number}");
    assert_eq!(MASKER.internal(&named), named);
}

#[test]
fn long_texts_take_linear_time() {
    let texts = [
        "样例路路灯不亮，电话19900000001，".repeat(1_000),
        "1".repeat(20_000),
        "1 ".repeat(10_000),
        "一".repeat(20_000),
        "a@".repeat(10_000),
        "O0".repeat(10_000),
        "我叫张".repeat(7_000),
        "电话 62170000 ".repeat(1_500),
    ];
    for text in texts {
        let label: String = text.chars().take(8).collect();
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        let time = |given: &str| {
            let start = Instant::now();
            assert_eq!(MASKER.internal(given).is_empty(), given.is_empty());
            start.elapsed()
        };
        let time = |given: &str| time(given).min(time(given));
        // Twice the text may take twice the time, not four times; the floor keeps noise out.
        let (short, long) = (time(&half).max(Duration::from_millis(500)), time(&text));
        assert!(
            long < short * 4,
            "{label}: {long:?} for twice what took {short:?}"
        );
    }
}

/// Pieces that texts are made of; put together at random they meet in ways nobody planned.
const PIECES: &[&str] = &[
    "电话",
    "19900000001",
    "138",
    "0000",
    " ",
    "-",
    "一三八",
    "零零零零",
    "0832",
    "2000000",
    "身份证",
    "999900199001010014",
    "x",
    "X",
    "62170000",
    "00000000004",
    "卡号",
    "我叫",
    "张三",
    "住",
    "3栋",
    "2单元",
    "501室",
    "川K12345",
    "川K",
    "a.b@example.com",
    "@",
    "QQ",
    "10001000",
    "微信号:",
    "abc_def123",
    "出生",
    "1990年1月1日",
    "月收入",
    "3000元",
    "*",
    "**",
    "〔",
    "转801",
    "护照",
    "E12345678",
    "O",
    "我叫欧阳张三",
    "l",
    "12345",
    "。",
    ",",
    "\n",
    "91440300708461136T",
    "7",
    "86",
    "+",
    "年",
    "欧阳",
    "一",
];

fn mixtures() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..14)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn masking_twice_changes_nothing(text in mixtures()) {
        let internal = MASKER.internal(&text);
        prop_assert_eq!(MASKER.internal(&internal), internal);
        let public = MASKER.public(&text);
        prop_assert_eq!(MASKER.public(&public), public);
    }
}

proptest! {
    #[test]
    fn a_mobile_number_never_survives(before in "\\PC{0,20}[^0-9０-９OolI]", after in "[^0-9０-９OolI]\\PC{0,20}", tail in 0_u64..100_000_000) {
        let number = format!("199{tail:08}");
        let text = format!("{before}{number}{after}");
        prop_assert!(!MASKER.internal(&text).contains(&number), "{}", text);
        prop_assert!(!MASKER.public(&text).contains(&number), "{}", text);
    }
}
