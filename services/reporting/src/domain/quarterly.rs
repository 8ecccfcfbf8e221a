//! 一季一通报: ranking, praise, shortcomings by name, the supervision ledger and cases.

use chrono::NaiveDate;
use hotline_kernel::time::Zone;

use super::document::{Block, Cell, ColumnKind, Document, Section, Table};
use super::figures::{PeriodFigures, RatePolicy, UnitLine};
use super::listing::{Ticket, summary};
use super::names::Names;
use super::ranking::{self, Group};
use super::{monthly, tables, words};

/// Cases that a circular tells.
pub const TYPICAL_MAX: usize = 3;
/// Units of a group that a circular praises.
pub const PRAISED_MAX: usize = 3;

/// A month of the quarter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// Such as `2026年3月`.
    pub label: String,
    /// Appeals received.
    pub appeals: i64,
    /// Tickets received.
    pub tickets: i64,
    /// Tenures concluded.
    pub concluded: i64,
}

/// Single tickets that the circular names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cases {
    /// Tickets under a supervision order of the quarter, with its day.
    pub supervised: Vec<(Ticket, NaiveDate)>,
    /// Tickets returned more than once in the quarter.
    pub returned_often: Vec<Ticket>,
    /// Concluded and solved tickets worth telling.
    pub typical: Vec<Ticket>,
}

/// Builds the quarterly circular.
#[must_use]
pub fn build(
    figures: &PeriodFigures,
    months: &[Month],
    cases: &Cases,
    context: Setting<'_>,
    head: Vec<String>,
) -> Document {
    let Setting {
        policy,
        names,
        zone,
    } = context;
    let lines = figures.unit_lines(policy);
    let checks = figures.checks(&lines, |code| names.unit(code));
    let groups = ranking::rank(&lines, policy, |code| names.group(code));
    let overview = vec![
        Block::Paragraph(monthly::overview(figures, &lines)),
        Block::Figures(monthly::basics(figures, &lines)),
    ];
    let hot = tables::hot_categories(figures, names);
    let mut ranked = vec![Block::Paragraph(ranking::formula(policy))];
    ranked.extend(
        groups
            .iter()
            .map(|group| Block::Table(places(group, policy, names))),
    );
    let demanded = vec![Block::Paragraph(demands(&lines, names))];
    let units = tables::head("承办单位办理情况", &lines, names);
    let table = |table: Table| vec![Block::Table(table)];
    let sections = vec![
        Section::headed("overview", "一、总体情况", overview),
        Section::headed(
            "channels",
            "二、渠道构成",
            table(tables::channels(figures, names)),
        ),
        Section::headed("kinds", "三、类型与类别", table(tables::kinds(figures))),
        Section::headed(
            "trends",
            "四、热点与趋势",
            vec![Block::Table(hot), Block::Table(trend(months))],
        ),
        Section::headed("ranking", "五、承办单位排名", ranked),
        Section::headed("praise", "六、表扬", vec![praise(&groups, &lines, names)]),
        Section::headed(
            "shortcomings",
            "七、存在问题",
            shortcomings(&lines, cases, names),
        ),
        Section::headed(
            "supervision",
            "八、督办件台账",
            table(ledger(cases, names, zone)),
        ),
        Section::headed("cases", "九、典型案例", typical(cases, names, zone)),
        Section::headed("demands", "十、下一步要求", demanded),
        Section::headed("units", "附表", table(units)),
    ];
    let title = format!(
        "{}{}",
        figures.period.label(),
        figures.period.series.title()
    );
    Document::checked(title, head, sections, &checks)
}

/// What a circular is built with besides its figures.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// What the configuration decides about rates.
    pub policy: &'a RatePolicy,
    /// Names of codes.
    pub names: &'a Names,
    /// The city's zone.
    pub zone: Zone,
}

fn trend(months: &[Month]) -> Table {
    let columns = [
        ("月份", ColumnKind::Text),
        ("受理", ColumnKind::Count),
        ("工单", ColumnKind::Count),
        ("办结", ColumnKind::Count),
    ];
    let mut table = Table::new("分月趋势", &columns);
    for month in months {
        table.rows.push(vec![
            Cell::text(&month.label),
            Cell::Count(month.appeals),
            Cell::Count(month.tickets),
            Cell::Count(month.concluded),
        ]);
    }
    table
}

fn places(group: &Group, policy: &RatePolicy, names: &Names) -> Table {
    let columns = [
        ("名次", ColumnKind::Text),
        ("承办单位", ColumnKind::Text),
        ("综合得分", ColumnKind::Rate),
        ("承接", ColumnKind::Count),
        ("按期办结率", ColumnKind::Rate),
        ("解决率", ColumnKind::Rate),
        ("满意率", ColumnKind::Rate),
    ];
    let note = format!(
        "不足{}件或无可计分指标的单列于后，不排名。",
        policy.ranked_min
    );
    let mut table = Table::new(&format!("承办单位排名·{}", group.name), &columns).noted(&note);
    for place in &group.places {
        table.rows.push(vec![
            Cell::text(
                place
                    .rank
                    .map_or_else(|| "单列".to_owned(), |rank| rank.to_string()),
            ),
            Cell::text(names.unit(&place.line.unit_code)),
            Cell::Score(place.score),
            Cell::Count(place.line.got()),
            Cell::Rate(place.line.on_time),
            Cell::Rate(place.line.solved),
            Cell::Rate(place.line.satisfied),
        ]);
    }
    table
}

fn praise(groups: &[Group], lines: &[UnitLine], names: &Names) -> Block {
    let mut sentences = Vec::new();
    for group in groups {
        let best: Vec<_> = group
            .places
            .iter()
            .filter(|place| {
                place.rank.is_some_and(|rank| rank <= PRAISED_MAX) && place.line.late() == 0
            })
            .map(|place| names.unit(&place.line.unit_code))
            .collect();
        if !best.is_empty() {
            sentences.push(format!(
                "{}组排名靠前且无超期：{}。",
                group.name,
                best.join("、")
            ));
        }
    }
    let praised: Vec<_> = lines
        .iter()
        .filter(|line| line.praised > 0)
        .map(|line| format!("{}{}件", names.unit(&line.unit_code), line.praised))
        .collect();
    if !praised.is_empty() {
        sentences.push(format!("收到群众表扬的单位：{}。", praised.join("、")));
    }
    Block::Paragraph(if sentences.is_empty() {
        "本季无排名靠前且无超期的单位，未收到表扬件。".to_owned()
    } else {
        sentences.join("")
    })
}

fn shortcomings(lines: &[UnitLine], cases: &Cases, names: &Names) -> Vec<Block> {
    let columns = [
        ("承办单位", ColumnKind::Text),
        ("超期", ColumnKind::Count),
        ("期末超期未办", ColumnKind::Count),
        ("未按时签收", ColumnKind::Count),
        ("退单", ColumnKind::Count),
        ("重办", ColumnKind::Count),
        ("督办", ColumnKind::Count),
    ];
    let mut units_named = Table::new("存在问题单位", &columns)
        .noted("超期、未按时签收为当期到期口径；其余为当期发生数。");
    for line in lines {
        let unsigned = line.signed_on_time.denominator - line.signed_on_time.numerator;
        let counts = [
            line.late(),
            line.overdue_in_hand,
            unsigned,
            line.returned,
            line.reworked,
            line.supervised,
        ];
        if counts.iter().any(|count| *count > 0) {
            let mut row = vec![Cell::text(names.unit(&line.unit_code))];
            row.extend(counts.map(Cell::Count));
            units_named.rows.push(row);
        }
    }
    let columns = [
        ("受理编号", ColumnKind::Text),
        ("事项", ColumnKind::Text),
        ("现主办单位", ColumnKind::Text),
        ("退单次数", ColumnKind::Count),
        ("状态", ColumnKind::Text),
    ];
    let mut often = Table::new("多次退单件", &columns);
    for ticket in &cases.returned_often {
        often.rows.push(vec![
            Cell::text(&ticket.number),
            Cell::text(summary(ticket.discretion, &ticket.summary)),
            Cell::text(names.unit(&ticket.lead_unit_code)),
            Cell::Count(i64::from(ticket.returns)),
            Cell::text(words::ticket_state(&ticket.state)),
        ]);
    }
    vec![Block::Table(units_named), Block::Table(often)]
}

fn ledger(cases: &Cases, names: &Names, zone: Zone) -> Table {
    let columns = [
        ("序号", ColumnKind::Count),
        ("受理编号", ColumnKind::Text),
        ("事项", ColumnKind::Text),
        ("主办单位", ColumnKind::Text),
        ("督办日期", ColumnKind::Text),
        ("督办次数", ColumnKind::Count),
        ("办理轮次", ColumnKind::Count),
        ("办理时限", ColumnKind::Date),
        ("状态", ColumnKind::Text),
    ];
    let mut table = Table::new("督办件台账", &columns);
    for (ordinal, (ticket, day)) in (1..).zip(&cases.supervised) {
        table.rows.push(vec![
            Cell::Count(ordinal),
            Cell::text(&ticket.number),
            Cell::text(summary(ticket.discretion, &ticket.summary)),
            Cell::text(names.unit(&ticket.lead_unit_code)),
            Cell::text(day.to_string()),
            Cell::Count(i64::from(ticket.supervision_orders)),
            Cell::Count(i64::from(ticket.round)),
            Cell::Deadline(ticket.due_at.map(|due| zone.wall(due))),
            Cell::text(words::ticket_state(&ticket.state)),
        ]);
    }
    table
}

fn typical(cases: &Cases, names: &Names, zone: Zone) -> Vec<Block> {
    let told = |(ordinal, ticket): (usize, &Ticket)| {
        let concluded = ticket.concluded_at.map_or_else(String::new, |at| {
            zone.day(at).format("%-m月%-d日").to_string()
        });
        let joined = if ticket.citizens.len() > 1 {
            format!("（合并同类诉求{}件）", ticket.citizens.len())
        } else {
            String::new()
        };
        Block::Paragraph(format!(
            "案例{ordinal}：{}有市民反映“{}”{joined}，由{}承办，{concluded}办结，回访已解决。答复要点：{}",
            zone.day(ticket.received_at).format("%-m月%-d日"),
            ticket.summary,
            names.unit(&ticket.lead_unit_code),
            super::listing::shortened(&ticket.reply)
        ))
    };
    if cases.typical.is_empty() {
        return vec![Block::Paragraph("本季无可公开的典型案例。".to_owned())];
    }
    (1..)
        .zip(cases.typical.iter().take(TYPICAL_MAX))
        .map(told)
        .collect()
}

fn demands(lines: &[UnitLine], names: &Names) -> String {
    let with = |holds: fn(&UnitLine) -> bool| -> Vec<String> {
        lines
            .iter()
            .filter(|line| holds(line))
            .map(|line| names.unit(&line.unit_code))
            .collect()
    };
    let rows: [(Vec<String>, &str); 3] = [
        (
            with(|line| line.overdue_in_hand > 0),
            "对期末超期未办件逐件说明原因、明确办结日期",
        ),
        (
            with(|line| line.signed_on_time.numerator < line.signed_on_time.denominator),
            "落实专人按时签收",
        ),
        (
            with(|line| line.reworked > 0),
            "对重办件由分管负责同志审核答复后再办结",
        ),
    ];
    let mut sentences: Vec<_> = rows
        .into_iter()
        .filter(|(units, _)| !units.is_empty())
        .map(|(units, demand)| format!("{}要{demand}", units.join("、")))
        .collect();
    sentences.push("各承办单位要按承诺时限办理，办结前联系诉求人，如实答复".to_owned());
    format!("{}。", sentences.join("；"))
}

#[cfg(test)]
pub(crate) mod tests;
