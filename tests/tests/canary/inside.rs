//! A city in this process: tables, database files with their logs, the courier, outbound files, logs and spans,
//! documents.

use std::io::Write;
use std::sync::{Arc, Mutex};

use hotline::services::Name;
use hotline_proto::intake::Contact;
use hotline_proto::reporting::Series;
use hotline_proto::shared::{Satisfaction, Solved};
use hotline_tests::city::City;
use hotline_tests::kept::{Kept, places};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::{ACCOUNT, EMAIL, IDENTITY, NAME, PHONES, hits};

/// What all threads log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything our own crates log and every span with its fields, at the finest level; of others, what a city logs.
fn listened() -> Log {
    let log = Log::default();
    let kept = log.clone();
    let filter = "info,hotline=trace,hotline_platform=trace,hotline_intake=trace,hotline_routing=trace,\
                  hotline_feedback=trace,hotline_reporting=trace,sqlx=debug,sea_orm=debug";
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || kept.clone());
    subscriber.init();
    log
}

/// An appeal with all of it, from the call to the archive, one answered at the desk, and an import.
async fn lives(city: &City) -> Vec<Kept> {
    let contact = Contact {
        name: NAME.to_owned(),
        phone: PHONES[0].to_owned(),
        email: EMAIL.to_owned(),
        account: ACCOUNT.to_owned(),
    };
    let text = format!(
        "{NAME}说云溪区路灯不亮,请打{},证件{IDENTITY},邮箱{EMAIL},我是{NAME}",
        PHONES[1]
    );
    let known = || city.citizen_known_by(contact.clone());
    let said = known().calls(&text).await;
    let matter = city.operator().accepts_one(&said).await;
    city.unit("CGJ").signs(&matter.ticket_id).await;
    let reply = format!("路灯已修好，已致电{}", PHONES[3]);
    city.unit("CGJ").hands_in(&matter.ticket_id, &reply).await;
    city.dispatcher().concludes(&matter.ticket_id).await;
    city.agent()
        .hears(&matter, Solved::Solved, Satisfaction::Satisfied)
        .await;
    let asked = known().calls(&format!("{NAME}问社保卡在哪里办")).await;
    let answer = format!("{NAME}您好,请打{}", PHONES[2]);
    city.operator().answers(&asked, &answer).await;
    let mapping = "[columns]\nsource_id = 'id'\nname = 'name'\nphone = 'phone'\ntext = 'text'\nsaid_at = 'at'\n";
    let row = |id: &str, phone: &str, at: &str| {
        let text = format!("{NAME}反映井盖,电话{phone}");
        [id, NAME, phone, &text, at].map(str::to_owned).to_vec()
    };
    let rows = [
        row("1", PHONES[4], "2026-08-31"),
        row("2", PHONES[5], "昨天"),
    ];
    city.imports(&["id", "name", "phone", "text", "at"], mapping, &rows)
        .await;
    let (_, daily) = city.document(Series::Daily, "2026-09-01").await;
    assert!(daily.contains("路灯"), "{}: {daily}", city.label);
    let ticket = city.ticket(&matter.ticket_id).await;
    let told = format!("{daily}\n{}\n{}", ticket.subject, ticket.text);
    vec![Kept {
        place: "documents and tickets".to_owned(),
        bytes: told.into_bytes(),
    }]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_citizen_told_of_himself_stands_in_clear_nowhere() {
    let log = listened();
    for city in City::all().await {
        let mut kept = lives(&city).await;
        kept.extend(city.keeps().await);
        let logged = std::mem::take(&mut *log.0.lock().expect("no panic"));
        assert!(!logged.is_empty(), "{}: nothing was logged", city.label);
        kept.push(Kept {
            place: "logs and spans".to_owned(),
            bytes: logged,
        });
        assert_eq!(hits(&kept), Vec::<String>::new(), "{}", city.label);

        // The search can see: what may be told stands in tables, and on the courier where there is one.
        let seen = places(&kept, "路灯不亮");
        let in_place = |place: &str| seen.iter().any(|found| found.contains(place));
        assert!(in_place("tables of intake"), "{}: {seen:?}", city.label);
        let has_courier = kept.iter().any(|kept| kept.place == "Redis");
        assert!(
            !has_courier || in_place("Redis"),
            "{}: {seen:?}",
            city.label
        );
        // And were a contact left in clear, it would be found.
        let tables = city.tables(Name::Intake).await;
        tables
            .run(&format!("UPDATE contact SET phone = '{}'", PHONES[0]))
            .await;
        let found = hits(&city.keeps().await);
        assert!(
            found.iter().any(|hit| hit.contains("tables of intake")),
            "{}: {found:?}",
            city.label
        );
        city.ends().await;
        // The statement above was logged, by this test.
        log.0.lock().expect("no panic").clear();
    }
}
