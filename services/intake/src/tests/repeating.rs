//! Repetitions: the identical receipt, now and later.

use super::city::{appeal, appeal_of, cities};

#[tokio::test]
async fn a_repetition_gets_the_identical_receipt() {
    for city in cities().await {
        let told = appeal_of("19900000001", "k", "样例路路灯不亮");
        let first = city.register(told.clone()).await.expect("registered");
        city.clock.advance(std::time::Duration::from_hours(24 * 40));
        let again = city.register(told).await.expect("present");
        assert_eq!(first, again, "{}", city.label);
        assert_eq!(first.number[..6], *"261122", "the day is the city's");
        assert_eq!(
            city.story().await,
            ["appeal registered 1"],
            "{}",
            city.label
        );
    }
}

#[tokio::test]
async fn what_was_registered_keeps_its_receipt_whatever_the_registry_says_later() {
    for city in cities().await {
        let on_line = |key: &str, line: &str| {
            let mut told = appeal(key, "样例路路灯不亮");
            told.line_number = line.to_owned();
            told
        };
        let told = [
            appeal("k", "样例路路灯不亮"),
            on_line("exempt", "110"),
            on_line("plain", "12319"),
        ];
        let mut first = Vec::new();
        for told in &told {
            first.push(city.register(told.clone()).await.expect("registered"));
        }
        let registries = [
            (
                "lines",
                "number,name,merge_mode,exempt\n110,报警,保留,no\n12319,城管热线,双号并行,yes\n",
            ),
            (
                "lines",
                "number,name,merge_mode,exempt\n120,急救,保留,yes\n",
            ),
            ("channels", "code,name,kind\nmailbox,市长信箱,mailbox\n"),
        ];
        for (table, csv) in registries {
            city.load(table, csv).await.expect("loaded");
            for (told, first) in told.iter().zip(&first) {
                let again = city.register(told.clone()).await;
                let again = again.unwrap_or_else(|error| panic!("{} {csv}: {error}", city.label));
                assert_eq!(again, *first, "{} {csv}", city.label);
            }
        }
        for told in [appeal("new", "井盖缺失"), appeal("k", "井盖缺失")] {
            let refused = city.register(told).await.expect_err("no such channel");
            assert_eq!(refused.reason(), "CHANNEL_UNKNOWN", "{}", city.label);
        }
        assert_eq!(city.assert_conserved().await["all"], 3, "{}", city.label);
    }
}
