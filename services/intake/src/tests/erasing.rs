//! Whoever is to be forgotten is, also by a database that was restored.

use std::time::Duration;

use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, CoreError};
use hotline_platform::page::Page;
use hotline_platform::testing;
use hotline_platform::work::Cause;
use sea_orm::{ConnectionTrait, Statement, Value};

use super::city::{City, appeal, appeal_of, cities, command};
use crate::app::erasure::Target;
use crate::app::register::Receipt;
use crate::domain::erasure::{Erasure, Refused};
use crate::domain::registration::Registration;
use crate::error::IntakeError;
use crate::store::tally::{Tally, tally};

/// Tables that a restored database has as they were.
const TABLES: [&str; 6] = [
    "appeal",
    "matter",
    "contact",
    "data_key",
    "erased_key",
    "erasure_request",
];

fn said_by(actor: &str) -> CommandContext {
    let context = command();
    CommandContext {
        cause: Cause {
            actor: actor.to_owned(),
            ..context.cause
        },
        ..context
    }
}

fn number(receipt: &Receipt) -> Target {
    Target::Number(receipt.number.clone())
}

impl City {
    async fn asks_to_forget(&self, target: Target) -> Result<Erasure, IntakeError> {
        let reason = "本人申请，电话19900000421".to_owned();
        self.intake
            .request_erasure(said_by("user:li"), target, reason)
            .await
    }

    async fn forgets(&self, target: Target) -> Erasure {
        let asked = self.asks_to_forget(target).await.expect("asked");
        let approved = self.intake.approve_erasure(said_by("user:wang"), asked.id);
        approved.await.expect("approved")
    }

    async fn listed(&self) -> Vec<Erasure> {
        let page = Page {
            size: 10,
            after: None,
        };
        let found = self.intake.erasures(&Scope::own_work(), &page).await;
        found.expect("listed").0
    }

    async fn runs_sql(&self, text: &str) {
        let txn = self.core.db().begin_write().await.expect("begins");
        txn.execute_unprepared(text).await.expect("runs");
        testing::commit(txn).await;
    }

    async fn counted(&self, text: &str) -> i64 {
        let db = self.core.db().read();
        let none: [Value; 0] = [];
        let asked = Statement::from_sql_and_values(db.get_database_backend(), text, none);
        let row = db.query_one_raw(asked).await.expect("read").expect("one");
        row.try_get_by_index(0).expect("a count")
    }

    async fn opens_all(&self) -> Tally {
        let (db, vault) = (self.core.db().read(), &self.intake.settings.vault);
        tally(db, vault).await.expect("counted")
    }
}

#[tokio::test]
async fn who_approves_is_shown_whom_it_is_about_and_the_audit_trail_names_the_appeal() {
    for city in cities().await {
        let mut said = appeal_of("19900000001", "a", "路灯不亮");
        said.contact.name = "张三丰".to_owned();
        let first = city.register(said).await.expect("registered");
        let second = appeal_of("19900000001", "b", "井盖坏了");
        city.register(second).await.expect("registered");
        let unknown = city
            .register(appeal("c", "噪声"))
            .await
            .expect("registered");
        let reason = "张三丰本人申请".to_owned();
        let asked = city
            .intake
            .request_erasure(said_by("user:li"), number(&first), reason)
            .await
            .expect("asked");
        city.clock.advance(Duration::from_secs(1));
        let of_unknown = city.asks_to_forget(number(&unknown)).await.expect("asked");
        let listed = city.listed().await;
        let told: Vec<_> = listed
            .iter()
            .map(|one| {
                let about = &one.subject;
                (about.number.as_str(), about.name.as_str(), about.appeals)
            })
            .collect();
        let expected = [
            (unknown.number.as_str(), "", 1),
            (first.number.as_str(), "张**", 2),
        ];
        assert_eq!(told, expected, "{}", city.label);
        for one in &listed {
            assert!(
                !one.reason.contains("三丰"),
                "{}: {}",
                city.label,
                one.reason
            );
        }
        for id in [asked.id, of_unknown.id] {
            let approved = city.intake.approve_erasure(said_by("user:wang"), id);
            let approved = approved.await.expect("approved");
            assert!(approved.subject.name.is_empty(), "{}", city.label);
        }
        for receipt in [&first, &unknown] {
            let rows = format!(
                "SELECT COUNT(*) FROM audit WHERE resource = 'erasure' AND reason LIKE '%{}%'",
                receipt.appeal_id
            );
            assert_eq!(city.counted(&rows).await, 2, "{}", city.label);
        }
        let named = "SELECT COUNT(*) FROM audit WHERE reason LIKE '%三丰%'";
        assert_eq!(city.counted(named).await, 0, "{}", city.label);
        let listed = city.listed().await;
        for (one, receipt) in listed.iter().zip([&unknown, &first]) {
            let about = &one.subject;
            assert_eq!(
                (about.number.as_str(), about.name.as_str()),
                (receipt.number.as_str(), ""),
                "{}: it is done",
                city.label
            );
        }
    }
}

#[tokio::test]
async fn another_person_must_approve_and_then_nothing_of_the_citizen_opens() {
    for city in cities().await {
        let li = city
            .register(appeal_of("19900000001", "a", "路灯不亮19900000001"))
            .await
            .expect("registered");
        city.accept(&li).await;
        city.register(appeal_of("19900000001", "b", "井盖坏了"))
            .await
            .expect("registered");
        let other = appeal_of("19900000002", "c", "噪声");
        let other = city.register(other).await.expect("registered");
        let before = city.opens_all().await;

        let asked = city.asks_to_forget(number(&li)).await.expect("asked");
        assert!(!asked.reason.contains("19900000421"), "{}", asked.reason);
        let alone = city.intake.approve_erasure(said_by("user:li"), asked.id);
        let refused = alone.await.expect_err("the same person");
        assert!(
            matches!(refused, IntakeError::Erasure(Refused::SamePerson)),
            "{}: {refused}",
            city.label
        );
        assert_eq!(
            city.opens_all().await,
            before,
            "{}: nothing yet",
            city.label
        );
        let approved = city.intake.approve_erasure(said_by("user:wang"), asked.id);
        let approved = approved.await.expect("approved");
        assert_eq!(approved.approved.expect("by").0, "user:wang");
        let again = city.intake.approve_erasure(said_by("user:zhao"), asked.id);
        let refused = again.await.expect_err("done before");
        assert!(matches!(refused, IntakeError::Erasure(Refused::Approved)));

        // Of the other citizen: a contact, a text of the appeal and of its matter.
        let left = city.opens_all().await;
        assert_eq!(
            (left.opened, left.erased, left.broken),
            (3, 0, 0),
            "{}",
            city.label
        );
        let theirs = "SELECT COUNT(*) FROM appeal WHERE citizen <> '' OR contact_id IS NOT NULL";
        assert_eq!(city.counted(theirs).await, 1, "{}", city.label);
        let keyed = "SELECT COUNT(*) FROM matter WHERE text_key IS NOT NULL";
        assert_eq!(city.counted(keyed).await, 1, "{}", city.label);
        let masked = "SELECT COUNT(*) FROM appeal WHERE masked_text <> ''";
        assert_eq!(
            city.counted(masked).await,
            3,
            "{}: masked texts stay",
            city.label
        );
        let owners = "SELECT COUNT(*) FROM erasure_request WHERE owner <> ''";
        assert_eq!(city.counted(owners).await, 0, "{}", city.label);
        city.assert_conserved().await;
        city.assert_versions_are_dense().await;
        let audited = "SELECT COUNT(*) FROM audit WHERE resource = 'erasure'";
        assert_eq!(city.counted(audited).await, 2, "{}", city.label);
        let listed = city.listed().await;
        assert_eq!(listed.len(), 1, "{}", city.label);

        // He calls again, and is a citizen like any other.
        let later = appeal_of("19900000001", "d", "又不亮了");
        city.register(later).await.expect("registered");
        assert_eq!(city.opens_all().await.opened, 6, "{}", city.label);
        // What was registered before is known all the same.
        let repeated = appeal_of("19900000001", "a", "路灯不亮19900000001");
        assert_eq!(city.register(repeated).await.expect("known"), li);
        let known = city.asks_to_forget(number(&other)).await;
        assert!(known.is_ok(), "{}", city.label);
    }
}

#[tokio::test]
async fn an_appeal_of_somebody_unknown_is_forgotten_alone() {
    for city in cities().await {
        let mut told: Registration = appeal("a", "我不想说我是谁，请打19900000003");
        told.contact.phone = "19900000003".to_owned();
        told.confidentiality.is_anonymous = true;
        let unknown = city.register(told.clone()).await.expect("registered");
        told.identity = appeal("b", "").identity;
        city.register(told).await.expect("registered");
        city.forgets(number(&unknown)).await;
        assert_eq!(city.opens_all().await.opened, 3, "{}", city.label);
        assert_eq!(city.counted("SELECT COUNT(*) FROM contact").await, 1);
        let again = city.asks_to_forget(number(&unknown)).await;
        assert!(matches!(again, Err(IntakeError::NothingToErase)));
        let nobody = Target::Citizen("nobody".to_owned());
        let asked = city.asks_to_forget(nobody).await;
        assert!(matches!(asked, Err(IntakeError::NothingToErase)));
    }
}

/// A thousand citizens are forgotten, then a backup from before is restored and intake starts again.
#[tokio::test]
async fn a_thousand_who_were_forgotten_stay_so_when_a_backup_from_before_is_restored() {
    for city in cities().await {
        let mut receipts = Vec::new();
        for chunk in 0..4 {
            let told = (0..250).map(|number| {
                let number = chunk * 250 + number;
                let phone = format!("1990001{number:04}");
                appeal_of(
                    &phone,
                    &format!("k{number}"),
                    &format!("第{number}处路灯不亮"),
                )
            });
            for registered in city.apply(told.collect()).await {
                let crate::app::register::Registered::New { receipt, .. } =
                    registered.expect("registered")
                else {
                    panic!("{}: not new", city.label)
                };
                receipts.push(receipt);
            }
        }
        let stays = appeal_of("19900020000", "stays", "井盖");
        city.register(stays).await.expect("registered");
        for table in TABLES {
            city.runs_sql(&format!(
                "CREATE TABLE kept_{table} AS SELECT * FROM {table}"
            ))
            .await;
        }
        for receipt in &receipts {
            city.forgets(number(receipt)).await;
        }
        let left = Tally {
            opened: 3,
            ..Tally::default()
        };
        assert_eq!(city.opens_all().await, left, "{}", city.label);

        for table in TABLES {
            city.runs_sql(&format!("DELETE FROM {table}")).await;
            city.runs_sql(&format!("INSERT INTO {table} SELECT * FROM kept_{table}"))
                .await;
        }
        assert_eq!(
            city.opens_all().await.opened,
            3 * 1001,
            "{}: restored",
            city.label
        );
        city.intake.open().await.expect("starts");
        assert_eq!(city.opens_all().await, left, "{}", city.label);
        assert_eq!(city.counted("SELECT COUNT(*) FROM data_key").await, 1);
        assert_eq!(city.counted("SELECT COUNT(*) FROM erased_key").await, 1000);
        // The values themselves, put back once more: no key opens them.
        for table in ["appeal", "matter", "contact"] {
            city.runs_sql(&format!("DELETE FROM {table}")).await;
            city.runs_sql(&format!("INSERT INTO {table} SELECT * FROM kept_{table}"))
                .await;
        }
        let tally = city.opens_all().await;
        assert_eq!(
            (tally.opened, tally.erased, tally.broken),
            (3, 3000, 0),
            "{}",
            city.label
        );
    }
}

/// The file cannot be written for a while: nobody has to start anything again.
#[tokio::test]
async fn who_could_not_be_written_down_at_once_is_while_the_city_runs() {
    const WITHIN: Duration = Duration::from_secs(30);
    for city in cities().await {
        let receipt = city
            .register(appeal_of("19900000001", "a", "路灯不亮"))
            .await
            .expect("registered");
        let file = city.keys.path().join("vault.erased");
        std::fs::create_dir(&file).expect("something in the way");
        let asked = city.asks_to_forget(number(&receipt)).await.expect("asked");
        for _ in 0..3 {
            let context = CommandContext {
                idempotency_key: "approve".to_owned(),
                ..said_by("user:wang")
            };
            let answer = city.intake.approve_erasure(context, asked.id).await;
            assert!(
                matches!(answer, Err(IntakeError::Core(CoreError::Unavailable(_)))),
                "{}: {answer:?}",
                city.label
            );
        }
        assert_eq!(city.opens_all().await.opened, 0, "{}: erased", city.label);
        std::fs::remove_dir(&file).expect("out of the way");
        let is_written = async {
            while !file.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WITHIN, is_written)
            .await
            .expect("written within the limit");
        let lines = std::fs::read_to_string(&file).expect("readable");
        assert!(
            lines.contains(&asked.id.to_string()),
            "{}: {lines}",
            city.label
        );
    }
}

/// A backup from before there was a vault: its values are sealed with fresh keys, which no file names.
#[tokio::test]
async fn a_backup_whose_keys_are_others_forgets_again_whom_the_city_forgot() {
    for city in cities().await {
        let receipt = city
            .register(appeal_of("19900000001", "a", "路灯不亮"))
            .await
            .expect("registered");
        let stays = appeal_of("19900000002", "b", "井盖坏了");
        city.register(stays).await.expect("registered");
        for table in TABLES {
            let text = format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}");
            city.runs_sql(&text).await;
        }
        city.forgets(number(&receipt)).await;
        let left = city.opens_all().await;
        for table in TABLES {
            city.runs_sql(&format!("DELETE FROM {table}")).await;
            let text = format!("INSERT INTO {table} SELECT * FROM kept_{table}");
            city.runs_sql(&text).await;
        }
        // The same owners under other keys; what the old ones sealed is told in clear by such a backup.
        city.runs_sql("DELETE FROM data_key").await;
        let citizen = "SELECT COUNT(*) FROM appeal WHERE citizen <> ''";
        assert_eq!(city.counted(citizen).await, 2, "{}", city.label);
        let again = appeal_of("19900000001", "c", "又不亮了");
        city.register(again).await.expect("sealed with a fresh key");
        let stays = appeal_of("19900000002", "d", "又坏了");
        city.register(stays).await.expect("sealed with a fresh key");

        city.intake.open().await.expect("starts");
        assert_eq!(
            city.counted(citizen).await,
            2,
            "{}: of one citizen",
            city.label
        );
        let keys = "SELECT COUNT(*) FROM data_key";
        assert_eq!(city.counted(keys).await, 1, "{}", city.label);
        assert_eq!(city.opens_all().await.opened, left.opened, "{}", city.label);
        // And is not forgotten twice, if he calls after that.
        let later = appeal_of("19900000001", "e", "还是不亮");
        city.register(later).await.expect("registered");
        city.intake.open().await.expect("starts");
        assert_eq!(city.counted(citizen).await, 3, "{}", city.label);
    }
}
