//! Two processes that write to one database take turns.

use hotline_platform::db::{Db, DbOptions};
use sea_orm::{ConnectionTrait, Statement};

use crate::fixture::{Ledger, count};

/// Reads a number and writes what follows it, in one transaction.
async fn add_one(db: &Db, account: i64) {
    let txn = db.begin_write().await.expect("begins");
    let statement = |text: &str, values: Vec<sea_orm::Value>| {
        Statement::from_sql_and_values(txn.get_database_backend(), text, values)
    };
    let seen = txn
        .query_one_raw(statement("SELECT COUNT(*) FROM heard", vec![]))
        .await
        .expect("read")
        .expect("a count");
    let seen: i64 = seen.try_get_by_index(0).expect("a number");
    // Whoever began at the same moment has read by now too, if it was let.
    tokio::task::yield_now().await;
    let text = "INSERT INTO heard (account, version, partition, pub_seq) VALUES ($1, $2, 0, $3)";
    let id = uuid::Uuid::from_u128(1);
    let values = vec![id.into(), (seen + 1).into(), account.into()];
    txn.execute_raw(statement(text, values))
        .await
        .expect("who has begun a write may write");
    hotline_platform::testing::commit(txn).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_begun_a_write_may_write_whatever_another_process_does() {
    for ledger in Ledger::all().await {
        let (url, options) = (&ledger.database.url, DbOptions { connections_max: 2 });
        let one = Db::open(url, &options).await.expect("opens");
        let two = Db::open(url, &options).await.expect("opens");
        for turn in 0..20 {
            tokio::join!(add_one(&one, turn), add_one(&two, turn));
        }
        let written = count(&ledger.core, "SELECT COUNT(*) FROM heard").await;
        assert_eq!(written.expect("counted"), 40, "{}", ledger.label());
    }
}
