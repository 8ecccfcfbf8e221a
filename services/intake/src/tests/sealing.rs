//! What was said and who said it, sealed.

use hotline_kernel::text::fingerprint;
use hotline_platform::testing;
use sea_orm::{ConnectionTrait, Statement, Value};

use super::city::{City, appeal_of, cities, command};
use crate::app::triage::Decision;
use crate::domain::identity;
use crate::domain::registration::{NewMatter, Registration};
use crate::store::tally::{Tally, tally};

const PHONE: &str = "19900000417";
const NAME: &str = "样小标";
const WORDS: [&str; 6] = [
    PHONE,
    NAME,
    "canary@example.com",
    "canary-account",
    "第一处原话19900000418",
    "第二处原话19900000419",
];

fn told() -> Registration {
    let mut told = appeal_of(PHONE, "canary", WORDS[4]);
    told.contact.name = NAME.to_owned();
    told.contact.email = WORDS[2].to_owned();
    told.contact.account = WORDS[3].to_owned();
    told.subject = format!("{NAME}的事");
    told.matters = vec![
        NewMatter::default(),
        NewMatter {
            text: WORDS[5].to_owned(),
            ..NewMatter::default()
        },
    ];
    told
}

impl City {
    async fn run(&self, text: &str, values: Vec<Value>) {
        let txn = self.core.db().begin_write().await.expect("begins");
        let backend = txn.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, text, values);
        txn.execute_raw(statement).await.expect("runs");
        testing::commit(txn).await;
    }

    async fn tally(&self) -> Tally {
        let (db, vault) = (self.core.db().read(), &self.intake.settings.vault);
        tally(db, vault).await.expect("counted")
    }
}

/// Every value of every table of intake's own, as a backup would hold it.
async fn dump(city: &City) -> String {
    let db = city.core.db().read();
    let mut dumped = String::new();
    for (table, columns) in [
        ("contact", "name phone email account citizen"),
        (
            "appeal",
            "original_subject original_text original_answer masked_subject masked_text masked_answer dedup_key \
             content_hash citizen reason source source_id",
        ),
        (
            "matter",
            "original_subject original_text original_reply masked_subject masked_text masked_reply text_key",
        ),
        ("import_refusal", "found cells expected field"),
        ("audit", "reason action resource_id"),
        ("data_key", "owner"),
    ] {
        for column in columns.split_whitespace() {
            let backend = db.get_database_backend();
            let text = format!("SELECT {column} AS found FROM {table}");
            let none: [Value; 0] = [];
            let rows = db
                .query_all_raw(Statement::from_sql_and_values(backend, text, none))
                .await;
            for row in rows.expect("read") {
                let found: Option<String> = row.try_get("", "found").expect("a text");
                dumped.push_str(&found.unwrap_or_default());
                dumped.push('\n');
            }
        }
    }
    dumped
}

#[tokio::test]
async fn nothing_that_was_said_stands_in_clear_and_all_of_it_opens() {
    for city in cities().await {
        let receipt = city.register(told()).await.expect("registered");
        let decision = Decision::Answer {
            answer: format!("{NAME}您好，请拨打19900000420"),
        };
        city.decide(&receipt, decision).await.expect("answered");
        let dumped = dump(&city).await;
        for word in WORDS.iter().chain(&["19900000420"]) {
            assert!(!dumped.contains(word), "{}: {word}", city.label);
        }
        // One contact, two texts and an answer of the appeal, two texts of each matter.
        let expected = Tally {
            opened: 1 + 3 + 4,
            ..Tally::default()
        };
        assert_eq!(city.tally().await, expected, "{}", city.label);
    }
}

#[tokio::test]
async fn a_sealed_value_put_into_another_row_does_not_open() {
    for city in cities().await {
        city.register(told()).await.expect("registered");
        let mut other = told();
        other.identity = super::city::appeal("other", "").identity;
        other.text = "另一句话".to_owned();
        city.register(other).await.expect("registered");
        city.run(
            "UPDATE appeal SET sealed_text = (SELECT sealed_text FROM appeal AS other WHERE other.id <> appeal.id)",
            Vec::new(),
        )
        .await;
        assert!(city.tally().await.broken > 0, "{}", city.label);
    }
}

/// What a version before this one wrote: clear texts, hashes without a key, no data keys.
async fn as_an_older_version_wrote_it(city: &City, told: &Registration) {
    let hex = |hash: [u8; 32]| identity::hex(&hash);
    let texts = |table: &str| {
        format!(
            "UPDATE {table} SET original_subject = $1, original_text = $2, sealed_subject = NULL, sealed_text = NULL"
        )
    };
    for table in ["appeal", "matter"] {
        let values = vec![told.subject.as_str().into(), told.text.as_str().into()];
        city.run(&texts(table), values).await;
    }
    let hashes = vec![
        hex(identity::dedup_key(told)).into(),
        hex(identity::content_hash(told)).into(),
    ];
    city.run(
        "UPDATE appeal SET dedup_key = $1, content_hash = $2",
        hashes,
    )
    .await;
    let contact = &told.contact;
    let parts = vec![
        contact.name.as_str().into(),
        contact.phone.as_str().into(),
        contact.email.as_str().into(),
        contact.account.as_str().into(),
    ];
    let text = "UPDATE contact SET name = $1, phone = $2, email = $3, account = $4, sealed = NULL";
    city.run(text, parts).await;
    let plain = identity::text_key(&citizen(city).await, &fingerprint(&told.text)).map(hex);
    let text = "UPDATE matter SET text_key = $1, open_key = CASE WHEN open_key IS NULL THEN NULL ELSE $1 END";
    city.run(text, vec![plain.into()]).await;
    city.run("DELETE FROM data_key", Vec::new()).await;
    city.run(
        "UPDATE sealing SET is_done = false, after_id = NULL",
        Vec::new(),
    )
    .await;
}

async fn citizen(city: &City) -> String {
    let db = city.core.db().read();
    let none: [Value; 0] = [];
    let text = "SELECT citizen FROM appeal LIMIT 1";
    let backend = db.get_database_backend();
    let row = db
        .query_one_raw(Statement::from_sql_and_values(backend, text, none))
        .await;
    let row = row.expect("read").expect("one");
    row.try_get("", "citizen").expect("a text")
}

#[tokio::test]
async fn what_an_older_version_wrote_is_sealed_at_the_next_start_and_repetitions_still_find_it() {
    for city in cities().await {
        let mut told = told();
        told.matters.truncate(1);
        told.subject = String::new();
        let receipt = city.register(told.clone()).await.expect("registered");
        city.accept(&receipt).await;
        as_an_older_version_wrote_it(&city, &told).await;
        assert!(dump(&city).await.contains(PHONE), "{}: clear", city.label);

        for _ in 0..2 {
            city.intake.open().await.expect("sealed");
        }

        let dumped = dump(&city).await;
        for word in &WORDS[..5] {
            assert!(!dumped.contains(word), "{}: {word}", city.label);
        }
        assert_eq!(city.tally().await.opened, 1 + 1 + 1, "{}", city.label);
        let again = city.register(told.clone()).await.expect("known");
        assert_eq!(again, receipt, "{}", city.label);
        // The same text under another key attaches to the open ticket by itself.
        let mut later = told.clone();
        later.identity = super::city::appeal("later", "").identity;
        city.register(later).await.expect("registered");
        let story = city.story().await;
        assert!(
            story.last().is_some_and(|last| last.contains("same_text")),
            "{}: {story:?}",
            city.label
        );
        let contact = city
            .core
            .db()
            .read()
            .query_one_raw(Statement::from_sql_and_values(
                city.core.db().read().get_database_backend(),
                "SELECT id FROM contact ORDER BY id LIMIT 1",
                Vec::<Value>::new(),
            ))
            .await
            .expect("read")
            .expect("one");
        let id: uuid::Uuid = contact.try_get("", "id").expect("an id");
        let read = city
            .intake
            .contact(command(), id.into(), "回访".to_owned())
            .await;
        assert_eq!(read.expect("read").phone, PHONE, "{}", city.label);
    }
}

#[tokio::test]
async fn sealing_that_was_broken_off_goes_on_where_it_stood() {
    for city in cities().await {
        let mut told = told();
        told.matters.truncate(1);
        told.subject = String::new();
        let receipt = city.register(told.clone()).await.expect("registered");
        as_an_older_version_wrote_it(&city, &told).await;
        city.intake.open().await.expect("sealed");
        // Dead before it was noted that the matters are done: what is done is not done twice.
        city.run(
            "UPDATE sealing SET is_done = false WHERE part <> '3_import_row'",
            Vec::new(),
        )
        .await;
        city.intake.open().await.expect("sealed");
        assert_eq!(city.tally().await.broken, 0, "{}", city.label);
        assert_eq!(city.tally().await.opened, 3, "{}", city.label);
        assert_eq!(
            city.register(told).await.expect("known"),
            receipt,
            "{}",
            city.label
        );
    }
}

/// A hash without a key would let anybody who has the database try out telephone numbers.
#[tokio::test]
async fn stored_hashes_cannot_be_tried_out_without_the_secret() {
    for city in cities().await {
        let told = told();
        city.register(told.clone()).await.expect("registered");
        let dumped = dump(&city).await;
        for hash in [identity::dedup_key(&told), identity::content_hash(&told)] {
            assert!(!dumped.contains(&identity::hex(&hash)), "{}", city.label);
        }
        let kept = identity::keyed(
            &city.intake.settings.keys.hashes,
            &identity::content_hash(&told),
        );
        assert!(dumped.contains(&kept), "{}", city.label);
    }
}
