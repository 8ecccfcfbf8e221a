//! Looks at contacts: who may, how often, with whose approval, and that none is shown that is not written down.

mod approving;

use std::time::Duration;

use hotline_kernel::id::TicketId;
use hotline_platform::access::Role;
use hotline_platform::core::CommandContext;
use hotline_platform::grpc::Principal;
use hotline_platform::page::Page;
use hotline_platform::testing;
use hotline_proto::event as pb;
use hotline_proto::event::body::Event;
use hotline_proto::shared::{RegistryRow, TicketState};
use sea_orm::{ConnectionTrait, Statement};

use super::city::{City, appeal_of, cities, command};
use crate::app::register::Receipt;
use crate::app::reveals::{Named, Wish};
use crate::app::{Care, Intake};
use crate::domain::registration::Confidentiality;
use crate::domain::reveal::{ContactField, Hidden, Purpose, RevealLimits};
use crate::error::IntakeError;

const PHONE: &str = "199-0000-0001";
const NAME: &str = "样小明";

fn wish(receipt: &Receipt) -> Wish {
    Wish {
        appeal: Named::Id(receipt.appeal_id),
        fields: vec![ContactField::Phone],
        purpose: Purpose::CallBack,
        reason: "地址不清, 回电核实".to_owned(),
    }
}

fn by(principal: &Principal, method: &str) -> CommandContext {
    let mut context = command();
    context.scope = testing::scope(principal, method);
    context.cause.actor.clone_from(&principal.id);
    context.cause.unit_code.clone_from(&principal.unit_code);
    context
}

fn operator(name: &str) -> Principal {
    Principal::new(&format!("operator:{name}"), Role::Operator)
}

fn clerk(unit: &str) -> Principal {
    Principal::new(&format!("unit:{unit}:wang"), Role::UnitClerk).of_unit(unit)
}

impl City {
    async fn reveals(&self, principal: &Principal, wish: Wish) -> Result<String, IntakeError> {
        let context = by(principal, "RevealContact");
        let shown = self.intake.reveal(context, wish, None).await?;
        Ok(shown.phone)
    }

    /// An accepted appeal of a citizen with a phone, and its ticket.
    async fn opens_with(&self, key: &str, flags: Confidentiality) -> (Receipt, TicketId) {
        let mut told = appeal_of(PHONE, key, key);
        told.confidentiality = flags;
        let receipt = self.register(told).await.expect("registered");
        let view = self.accept(&receipt).await;
        (receipt, view.matters[0].matter.reserved_ticket)
    }

    async fn hears_lead(&self, ticket: TicketId, version: i64, unit: &str, state: TicketState) {
        let changed = pb::TicketChanged {
            ticket: Some(pb::Ticket {
                id: ticket.to_string(),
                number: "261122-AAAAA-A".to_owned(),
                state: state.into(),
                lead_unit_code: unit.to_owned(),
                ..pb::Ticket::default()
            }),
            ..pb::TicketChanged::default()
        };
        let heard = self.react(ticket, version, Event::TicketChanged(changed));
        heard.await.expect("heard");
    }

    async fn hears_units(&self, pairs: &[(&str, &str)]) {
        let row = |(code, parent): &(&str, &str)| RegistryRow {
            code: (*code).to_owned(),
            parent_code: (*parent).to_owned(),
            ..RegistryRow::default()
        };
        let loaded = pb::RegistryLoaded {
            table: "units".to_owned(),
            rows: pairs.iter().map(row).collect(),
        };
        let heard = self.react(
            super::city::uuid(7).into(),
            1,
            Event::RegistryLoaded(loaded),
        );
        heard.await.expect("heard");
    }

    async fn counts(&self, what: &str) -> i64 {
        let db = self.core.db().read();
        let text = format!("SELECT COUNT(*) AS n FROM {what}");
        let asked = Statement::from_sql_and_values(db.get_database_backend(), text, []);
        let row = db.query_one_raw(asked).await.expect("counted");
        row.expect("a row").try_get("", "n").expect("a number")
    }

    async fn does(&self, text: &str) {
        let txn = self.core.db().begin_write().await.expect("begun");
        txn.execute_unprepared(text).await.expect("done");
        testing::commit(txn).await;
    }
}

#[tokio::test]
async fn a_look_is_written_down_and_shows_what_was_asked_for() {
    for city in cities().await {
        let (receipt, _) = city
            .opens_with("路灯不亮", Confidentiality::default())
            .await;
        let li = operator("li");
        let number = Wish {
            appeal: Named::Number(receipt.number.clone()),
            reason: "他的电话是19900000001, 样小明".to_owned(),
            ..wish(&receipt)
        };
        let context = by(&li, "RevealContact");
        let shown = city
            .intake
            .reveal(context, number, None)
            .await
            .expect("shown");
        assert_eq!(
            (shown.phone.as_str(), shown.name.as_str()),
            (PHONE, ""),
            "{}",
            city.label
        );

        let page = Page {
            size: 20,
            after: None,
        };
        let scope = super::city::everybodys();
        let (looks, next) = city
            .intake
            .reveals(&scope, (Some(receipt.appeal_id), "operator:li"), &page)
            .await
            .expect("listed");
        assert!(next.is_none() && looks.len() == 1, "{}", city.label);
        assert!(
            !looks[0].reason.contains("19900000001") && !looks[0].reason.contains("样小明"),
            "{}",
            looks[0].reason
        );
        let rows = "audit WHERE resource = 'contact' AND action = 'contact revealed'";
        assert_eq!(city.counts(rows).await, 1, "{}", city.label);

        for unsound in [
            Wish {
                fields: vec![],
                ..wish(&receipt)
            },
            Wish {
                reason: " 查 ".to_owned(),
                ..wish(&receipt)
            },
        ] {
            let refused = city.reveals(&li, unsound).await.expect_err("refused");
            assert_eq!(refused.reason(), "INVALID_FIELD", "{}", city.label);
        }
        assert_eq!(city.counts("reveal").await, 1, "{}", city.label);
    }
}

#[tokio::test]
async fn a_unit_looks_while_it_leads_and_never_at_who_complains_about_it_or_above() {
    for city in cities().await {
        city.hears_units(&[("TOP", ""), ("MID", "TOP"), ("LOW", "MID"), ("OTHER", "")])
            .await;
        let against = |unit: &str| Confidentiality {
            complained_unit_codes: vec![unit.to_owned()],
            ..Confidentiality::default()
        };
        let confidential = Confidentiality {
            is_confidential: true,
            ..Confidentiality::default()
        };
        let cases = [
            ("甲", Confidentiality::default(), "LOW", "LOW", None),
            (
                "乙",
                Confidentiality::default(),
                "LOW",
                "MID",
                Some("APPEAL_NOT_FOUND"),
            ),
            (
                "丙",
                Confidentiality::default(),
                "MID",
                "LOW",
                Some("APPEAL_NOT_FOUND"),
            ),
            ("丁", against("TOP"), "LOW", "LOW", Some("APPEAL_NOT_FOUND")),
            ("戊", against("OTHER"), "LOW", "LOW", None),
            ("己", confidential, "LOW", "LOW", Some("CONTACT_HIDDEN")),
        ];
        for (key, flags, lead, asks, expected) in cases {
            let (receipt, ticket) = city.opens_with(key, flags).await;
            let before = city.reveals(&clerk(asks), wish(&receipt)).await;
            assert_eq!(
                before.expect_err("nobody leads").reason(),
                "APPEAL_NOT_FOUND"
            );
            city.hears_lead(ticket, 2, lead, TicketState::Dispatched)
                .await;
            let shown = city.reveals(&clerk(asks), wish(&receipt)).await;
            match expected {
                None => assert_eq!(shown.expect("shown"), PHONE, "{} {key}", city.label),
                Some(reason) => {
                    assert_eq!(
                        shown.expect_err("hidden").reason(),
                        reason,
                        "{} {key}",
                        city.label
                    );
                }
            }
            city.hears_lead(ticket, 3, lead, TicketState::Concluded)
                .await;
            let after = city.reveals(&clerk(asks), wish(&receipt)).await;
            assert_eq!(after.expect_err("it is over").reason(), "APPEAL_NOT_FOUND");
        }
        let absent = Wish {
            appeal: Named::Id(super::city::uuid(99).into()),
            ..wish(&city.opens_with("庚", Confidentiality::default()).await.0)
        };
        let refused = city
            .reveals(&clerk("LOW"), absent)
            .await
            .expect_err("absent");
        assert_eq!(refused.to_string(), IntakeError::AppealNotFound.to_string());
    }
}

#[tokio::test]
async fn thirty_looks_an_hour_and_no_more() {
    for city in cities().await {
        let (receipt, _) = city
            .opens_with("路灯不亮", Confidentiality::default())
            .await;
        let (li, chen) = (operator("li"), operator("chen"));
        for _ in 0..30 {
            city.reveals(&li, wish(&receipt)).await.expect("shown");
        }
        for _ in 0..3 {
            let refused = city
                .reveals(&li, wish(&receipt))
                .await
                .expect_err("too often");
            assert!(
                matches!(refused, IntakeError::RevealsTooOften { per_hour: 30 }),
                "{}: {refused}",
                city.label
            );
        }
        let refusals = "audit WHERE action = 'reveal refused'";
        assert_eq!(
            city.counts(refusals).await,
            1,
            "{}: once an hour",
            city.label
        );
        city.reveals(&chen, wish(&receipt))
            .await
            .expect("another person");
        city.clock.advance(Duration::from_hours(1));
        city.reveals(&li, wish(&receipt))
            .await
            .expect("an hour later");
        assert_eq!(city.counts("reveal").await, 32, "{}", city.label);
    }
}

#[tokio::test]
async fn looks_side_by_side_are_not_more_than_one_after_the_other() {
    for city in cities().await {
        let (receipt, _) = city
            .opens_with("路灯不亮", Confidentiality::default())
            .await;
        let li = operator("li");
        let looks = (0..60).map(|_| city.reveals(&li, wish(&receipt)));
        let shown = futures::future::join_all(looks).await;
        let shown = shown.iter().filter(|look| look.is_ok()).count();
        assert_eq!(shown, 30, "{}", city.label);
    }
}

#[tokio::test]
async fn nothing_is_to_be_shown_of_who_left_no_name() {
    for city in cities().await {
        let flags = Confidentiality {
            is_anonymous: true,
            ..Confidentiality::default()
        };
        let (receipt, _) = city.opens_with("路灯不亮", flags).await;
        let refused = city
            .reveals(&operator("li"), wish(&receipt))
            .await
            .expect_err("nothing");
        assert!(
            matches!(refused, IntakeError::ContactHidden(Hidden::Nothing)),
            "{}: {refused}",
            city.label
        );
        assert_eq!(city.counts("reveal").await, 0, "{}", city.label);
    }
}

/// T42: the audit trail takes two rows of three.
#[tokio::test]
async fn of_ten_thousand_looks_none_is_answered_that_the_audit_trail_did_not_take() {
    const LOOKS: u32 = 10_000;
    for city in cities().await {
        let (receipt, _) = city
            .opens_with("路灯不亮", Confidentiality::default())
            .await;
        let limits = RevealLimits {
            per_hour: u32::MAX,
            unusual_per_hour: u32::MAX,
        };
        let careless: Intake = city.intake.clone().with_care(Care {
            reveals: limits,
            ..Care::default()
        });
        if city.label == "sqlite" {
            city.does(
                "CREATE TRIGGER broken BEFORE INSERT ON audit WHEN NEW.resource = 'contact' AND random() % 3 = 0 \
                 BEGIN SELECT RAISE(ABORT, 'the audit trail is broken'); END",
            )
            .await;
        } else {
            city.does(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF NEW.resource = 'contact' AND random() < 0.33 THEN RAISE 'the audit trail is broken'; END IF; \
                 RETURN NEW; END $$",
            )
            .await;
            city.does("CREATE TRIGGER broken BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION broken()")
                .await;
        }
        let mut answered = 0;
        for number in 0..LOOKS {
            let context = by(&operator(&(number % 7).to_string()), "RevealContact");
            match careless.reveal(context, wish(&receipt), None).await {
                Ok(contact) => {
                    assert_eq!(contact.phone, PHONE);
                    answered += 1;
                }
                Err(IntakeError::Core(_)) => {}
                Err(other) => panic!("{}: {other}", city.label),
            }
        }
        let rows = "audit WHERE action = 'contact revealed'";
        assert_eq!(city.counts(rows).await, answered, "{}", city.label);
        assert_eq!(city.counts("reveal").await, answered, "{}", city.label);
        let broke = i64::from(LOOKS) - answered;
        assert!(
            answered > 5_000 && broke > 2_000,
            "{}: {answered}, {broke}",
            city.label
        );
    }
}
