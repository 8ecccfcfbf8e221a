//! Composing a document: read what it needs, at one moment, and build it.

use chrono::{Days as ChronoDays, Months};
use hotline_kernel::time::Timestamp;
use hotline_platform::core::CoreError;

use super::{Desk, head_lines};
use crate::domain::document::Document;
use crate::domain::fact::measure;
use crate::domain::figures::{PeriodFigures, Sums, Totals};
use crate::domain::listing::{self, Context, Lines, Ticket};
use crate::domain::period::{Days, Period, Series};
use crate::domain::view::AppealView;
use crate::domain::{daily, monthly, quarterly};
use crate::error::ReportingError;
use crate::store::{self, Found, Reader, Span};

/// A document with the instant up to which events are in it.
#[derive(Clone, Debug)]
pub(crate) struct Composed {
    /// The document.
    pub document: Document,
    /// The instant of the latest event in it, if there was any.
    pub data_cut: Option<Timestamp>,
}

impl Composed {
    /// Only the blocks of these keys; all of them if none is named. What was checked stays checked.
    ///
    /// # Errors
    ///
    /// [`ReportingError::UnknownBlock`] if a key is none of the document's.
    pub(crate) fn only(self, keys: &[String]) -> Result<Self, ReportingError> {
        let document = self.document.only(keys)?;
        Ok(Self { document, ..self })
    }
}

/// Composes the document of `period` as it stands at `now`.
pub(super) async fn compose(
    db: &impl Reader,
    desk: Desk,
    period: Period,
    now: Timestamp,
) -> Result<Composed, CoreError> {
    let data_cut = store::data_cut(db).await?;
    let names = store::load_names(db).await?;
    let span = span(desk, &period, now);
    let figures = figures(db, desk, period, span, now).await?;
    let mut head = head_lines(desk.zone, &period, data_cut);
    if span.end > now {
        head.push("统计期间未结束，为截至数据时点的阶段数".to_owned());
    }
    let document = match period.series {
        Series::Daily => {
            let context = Context {
                zone: desk.zone,
                names: &names,
                as_of: span.as_of,
            };
            let blocks = blocks(db, context, &period, span).await?;
            daily::build(&figures, blocks, &desk.policy, &names, head)
        }
        Series::Monthly => monthly::build(&figures, &desk.policy, &names, head),
        Series::Quarterly => {
            let months = months(db, &period).await?;
            let cases = cases(db, &period, span).await?;
            let setting = quarterly::Setting {
                policy: &desk.policy,
                names: &names,
                zone: desk.zone,
            };
            quarterly::build(&figures, &months, &cases, setting, head)
        }
    };
    Ok(Composed { document, data_cut })
}

fn span(desk: Desk, period: &Period, now: Timestamp) -> Span {
    let end = period.end(desk.zone);
    Span {
        start: period.start(desk.zone),
        end,
        as_of: end.min(now),
    }
}

fn days(period: &Period) -> Days {
    Days {
        first: period.first,
        last: period.last,
    }
}

async fn figures(
    db: &impl Reader,
    desk: Desk,
    period: Period,
    span: Span,
    now: Timestamp,
) -> Result<PeriodFigures, CoreError> {
    // Deadlines of a day that is not over yet are in no cohort.
    let last_over = if span.end <= now {
        Some(period.last)
    } else {
        desk.zone.day(now).checked_sub_days(ChronoDays::new(1))
    };
    let due = match last_over.filter(|last| *last >= period.first) {
        Some(last) => {
            store::sums_by_unit(
                db,
                Days {
                    first: period.first,
                    last,
                },
            )
            .await?
        }
        None => Sums::default(),
    };
    Ok(PeriodFigures {
        period,
        now: store::totals(db, days(&period)).await?,
        previous: base(db, period.previous()).await?,
        year_before: base(db, period.year_before()).await?,
        due,
        counted: store::counted(db, days(&period), span).await?,
    })
}

async fn base(db: &impl Reader, period: Option<Period>) -> Result<Totals, CoreError> {
    match period {
        Some(period) => store::totals(db, days(&period)).await,
        None => Ok(Totals::default()),
    }
}

async fn months(db: &impl Reader, quarter: &Period) -> Result<Vec<quarterly::Month>, CoreError> {
    let mut months = Vec::new();
    for ordinal in 0..3 {
        let Some(first) = quarter.first.checked_add_months(Months::new(ordinal)) else {
            break;
        };
        let Ok(month) = Period::parse(Series::Monthly, &first.format("%Y-%m").to_string()) else {
            break;
        };
        let sums = store::sums_by_unit(db, days(&month)).await?;
        months.push(quarterly::Month {
            label: month.label(),
            appeals: sums.total(measure::APPEAL),
            tickets: sums.total(measure::TICKET),
            concluded: sums.total(measure::CONCLUDED),
        });
    }
    Ok(months)
}

async fn cases(
    db: &impl Reader,
    period: &Period,
    span: Span,
) -> Result<quarterly::Cases, CoreError> {
    Ok(quarterly::Cases {
        supervised: store::supervised(db, days(period)).await?,
        returned_often: store::returned_often(db, days(period)).await?,
        typical: store::typical(db, span, quarterly::TYPICAL_MAX).await?,
    })
}

async fn blocks(
    db: &impl Reader,
    context: Context<'_>,
    period: &Period,
    span: Span,
) -> Result<daily::Blocks, CoreError> {
    let received = store::received(db, period.first).await?;
    let received_appeals = i64::try_from(received.items.len())
        .unwrap_or(i64::MAX)
        .saturating_add(received.left_out);
    Ok(daily::Blocks {
        received: received_lines(context, &received),
        received_appeals,
        concluded: told_lines(context, &store::concluded(db, span).await?),
        due: told_lines(context, &store::due(db, span).await?),
        overdue: told_lines(context, &store::overdue(db, span).await?),
        waiting: told_lines(context, &store::waiting(db, span).await?),
        unsigned: told_lines(context, &store::unsigned(db, span).await?),
        returned: told_lines(context, &store::returned(db, days(period)).await?),
        instructed: told_lines(context, &store::instructed(db, days(period)).await?),
        urgent: told_lines(context, &store::urgent(db, span).await?),
        repeated: repeated_lines(context, &store::repeated(db, period.first).await?),
    })
}

fn received_lines(context: Context<'_>, found: &Found<(AppealView, Vec<(Ticket, bool)>)>) -> Lines {
    let mut lines = Vec::new();
    for (appeal, tickets) in &found.items {
        let shown = appeal.shown();
        if tickets.is_empty() {
            lines.push(listing::of_appeal(context, &shown));
        }
        for (ticket, is_merged) in tickets {
            let remarks = if *is_merged {
                vec![format!("并入{}", ticket.number)]
            } else {
                Vec::new()
            };
            lines.push(listing::of_matter(context, &shown, ticket, &remarks));
        }
    }
    Lines {
        lines,
        left_out: found.left_out,
    }
}

fn repeated_lines(context: Context<'_>, found: &Found<(AppealView, Ticket)>) -> Lines {
    let line = |(appeal, ticket): &(AppealView, Ticket)| {
        listing::of_matter(
            context,
            &appeal.shown(),
            ticket,
            &[format!("并入{}", ticket.number)],
        )
    };
    Lines {
        lines: found.items.iter().map(line).collect(),
        left_out: found.left_out,
    }
}

fn told_lines(context: Context<'_>, found: &Found<(Ticket, Vec<String>)>) -> Lines {
    let lines = found
        .items
        .iter()
        .map(|(ticket, remarks)| listing::of_ticket(context, ticket, remarks))
        .collect();
    Lines {
        lines,
        left_out: found.left_out,
    }
}
