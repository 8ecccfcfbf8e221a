//! What is proposed, and when it is certain enough to go by itself.

use super::super::evidence::Hint;
use super::super::load::{Table, read};
use super::super::matter::Confidentiality;
use super::super::registry::Rows;
use super::super::word::{Kind, Nature, Urgency};
use super::*;

pub(in super::super) fn city() -> Rows {
    let tables = [
        (
            Table::Units,
            "code,name,parent_code,group,kind\nHOUSING,市住建局,,市级部门,gov\nUMB,市城管执法局,,市级部门,gov\nLAMPS,市照明中心,UMB,市级部门,gov\nEAST,东区政府,,县区,district\nEASTHOUSE,东区住建局,EAST,县区,district\n",
        ),
        (Table::UnitAliases, "alias,unit_code\n住建局,HOUSING\n"),
        (
            Table::Areas,
            "code,name,parent_code,aliases\nE,东区,,东城区|城东\nE1,东一街道,E,\nW,西区,,\n",
        ),
        (
            Table::Categories,
            "code,parent_code,name,default_unit_code,deadlines,urgent_hours\n01,,城建,HOUSING,,\n0101,01,物业,HOUSING,,\n02,,市容,UMB,,\n0201,02,路灯,,consult:2,4\n0202,02,占道,,,\n",
        ),
        (
            Table::Catalogue,
            "category_code,area_code,lead_unit_code,assisting_unit_codes,source,valid_from,valid_until\n0101,E,EASTHOUSE,EAST|HOUSING,目录2026-1,,\n0101,,HOUSING,,目录2026-2,,\n0201,,LAMPS,UMB,目录2026-3,,\n",
        ),
        (
            Table::Keywords,
            "keyword,category_code,weight\n路灯,0201,3\n物业,0101,3\n物业费,0101,4\n占道经营,0202,3\n灯,0202,1\n",
        ),
    ];
    let mut rows = Rows::default();
    for (table, csv) in tables {
        rows.replace(read(table, csv.as_bytes()).unwrap());
    }
    rows
}

fn demand(category: &str, area: &str, text: &str) -> Demand {
    Demand {
        nature: Nature::New,
        kind: Kind::Complaint,
        urgency: Urgency::Normal,
        category_code: category.to_owned(),
        area_code: area.to_owned(),
        subject: String::new(),
        text: text.to_owned(),
        channel_code: "web".to_owned(),
        received_at: hotline_kernel::time::Timestamp::UNIX_EPOCH,
        imported_due_at: None,
        confidentiality: Confidentiality::default(),
    }
}

/// Rows of: label; given category; given area; text; complained against => category; area; lead; certain?
const PROPOSALS: &str = "
keyword, one row; ; ; 样例路的路灯不亮; => 0201; ; LAMPS; yes
given category; 0201; ; 黑漆漆; => 0201; ; LAMPS; yes
keyword and area; ; ; 城东某小区物业费太高; => 0101; E; EASTHOUSE; yes
area inside another; ; ; 东区东一街道物业不管; => 0101; E1; EASTHOUSE; yes
elsewhere; ; W; 物业不管; => 0101; W; HOUSING; yes
area unknown, leads differ; ; ; 物业不管; => 0101; ; EASTHOUSE; no
two areas; ; ; 东区和西区物业不管; => 0101; ; EASTHOUSE; no
the text names one of the leads; ; ; 物业不管,住建局也不管; => 0101; ; HOUSING; no
two categories alike; ; ; 路灯下占道经营; => 0201; ; LAMPS; no
no row, default unit; ; W; 占道经营; => 0202; W; UMB; no
nothing; ; ; 你好; => ; ; ; no
a unit named, no category; ; ; 住建局电话没人接; => ; ; HOUSING; no
unknown category given; 9999; ; 路灯不亮; => 0201; ; LAMPS; yes
lead complained against; ; ; 路灯不亮; LAMPS => 0201; ; UMB; no
unit above the lead complained against; ; ; 路灯不亮; UMB => 0201; ; ; no
another complained against; ; ; 路灯不亮; HOUSING => 0201; ; LAMPS; yes
unknown unit complained against; ; ; 路灯不亮; LAMPSX => 0201; ; LAMPS; no
";

#[test]
fn a_dispatch_is_unambiguous_only_with_one_category_and_one_lead() {
    let registry = Registry::new(city()).unwrap();
    let day = "2026-06-01".parse().unwrap();
    let cells = |side: &str| {
        side.split(';')
            .map(|cell| cell.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let mut rows = 0;
    for row in PROPOSALS.lines().filter(|row| !row.is_empty()) {
        let (given, expected) = row.split_once("=>").unwrap();
        let given = cells(given);
        let complained: Vec<String> = given[4..]
            .iter()
            .filter(|unit| !unit.is_empty())
            .cloned()
            .collect();
        let found = propose(
            &registry,
            &demand(&given[1], &given[2], &given[3]),
            &complained,
            day,
        );
        let certain = if found.is_unambiguous { "yes" } else { "no" }.to_owned();
        let told = [
            found.category_code,
            found.area_code,
            found.lead_unit_code,
            certain,
        ];
        assert_eq!(
            told.to_vec(),
            cells(expected),
            "{}: {:?}",
            given[0],
            found.reasons
        );
        assert!(!found.reasons.is_empty(), "{}", given[0]);
        rows += 1;
    }
    assert_eq!(rows, 17);
}

#[test]
fn complained_units_do_not_assist() {
    let registry = Registry::new(city()).unwrap();
    let day = "2026-06-01".parse().unwrap();
    let asked = demand("0101", "E", "物业");
    let free = propose(&registry, &asked, &[], day);
    assert_eq!(free.assisting_unit_codes, ["EAST", "HOUSING"]);
    let kept = propose(&registry, &asked, &["HOUSING".to_owned()], day);
    assert_eq!(
        (kept.lead_unit_code.as_str(), kept.assisting_unit_codes),
        ("EASTHOUSE", vec!["EAST".to_owned()])
    );
}

#[test]
fn a_category_inherits_the_deadlines_above_it() {
    let mut rows = city();
    rows.keywords.push(Hint {
        word: "照明".to_owned(),
        code: "0201".to_owned(),
        weight: 1.0,
    });
    let parent = rows
        .categories
        .iter_mut()
        .find(|row| row.code == "02")
        .unwrap();
    parent.deadlines.days = vec![(Kind::Consult, 9), (Kind::Complaint, 11)];
    let registry = Registry::new(rows).unwrap();
    let zone = hotline_kernel::time::Zone::SHANGHAI;
    let days = |kind| {
        let asked = Demand {
            kind,
            ..demand("0201", "", "")
        };
        registry
            .terms("sichuan-2025", zone, &asked, asked.received_at)
            .days
    };
    assert_eq!(
        (days(Kind::Consult), days(Kind::Complaint), days(Kind::Help)),
        (2, 11, 7)
    );
}
