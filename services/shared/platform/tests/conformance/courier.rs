//! Redis absent, killed, flushed, emptied in part or lying: nothing is lost.
//!
//! These run when `HOTLINE_TEST_REDIS` is set; each has a server of its own to mistreat.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use hotline_platform::courier::Courier;
use hotline_platform::peers::{Peers, Transport};
use hotline_platform::{outbox, testing};
use redis::Value;
use uuid::Uuid;

use crate::mirror::{City, LIMIT, Trouble, accounts, until};

/// A Redis of one test, in a folder of its own.
struct Server {
    port: u16,
    folder: PathBuf,
    process: Child,
}

impl Server {
    /// `None` if tests are to run without Redis.
    async fn start() -> Option<Self> {
        testing::redis_url()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let folder =
            std::env::temp_dir().join(format!("hotline_redis_{}_{port}", std::process::id()));
        std::fs::create_dir(&folder).expect("the temporary folder can be written");
        let server = Self {
            port,
            process: spawn(port, &folder),
            folder,
        };
        server.is_up().await;
        Some(server)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    async fn is_up(&self) {
        until("redis answers", || async {
            self.ask::<String>(&["PING"]).await.is_some()
        })
        .await;
    }

    fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    async fn restart(&mut self) {
        self.process = spawn(self.port, &self.folder);
        self.is_up().await;
    }

    async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> Option<T> {
        let client = redis::Client::open(self.url()).expect("a URL of Redis");
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let mut command = redis::cmd(words.first().expect("a command"));
        for word in &words[1..] {
            command.arg(word);
        }
        command.query_async(&mut connection).await.ok()
    }

    async fn streams(&self) -> Vec<String> {
        self.ask(&["KEYS", "evt:*"]).await.unwrap_or_default()
    }

    async fn length(&self) -> i64 {
        let mut length = 0;
        for stream in self.streams().await {
            length += self
                .ask::<i64>(&["XLEN", &stream])
                .await
                .unwrap_or_default();
        }
        length
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed by its test already.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn spawn(port: u16, folder: &std::path::Path) -> Child {
    let mut command = Command::new("redis-server");
    command
        .args([
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
        ])
        .arg(folder);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

fn key() -> [u8; 32] {
    [7; 32]
}

/// Cities that use `server`, not yet started.
async fn cities(server: &Server) -> Vec<City> {
    let mut cities = City::all().await;
    for city in &mut cities {
        city.courier = Some(Courier::new(&server.url(), key()).expect("a URL of Redis"));
    }
    cities
}

/// A way to nowhere: what is heard over it did not come from the log.
fn nowhere() -> Transport {
    std::sync::Arc::new(Peers::default()).transport("ledger", Some("mirror"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_by_redis_alone_when_it_tells_the_truth() {
    let Some(server) = Server::start().await else {
        return;
    };
    for city in cities(&server).await {
        let accounts = accounts(0..50);
        hotline_platform::relay::start(&city.ledger, city.courier.as_ref());
        city.consume(&city.mirror, nowhere());
        city.raise(&accounts, 0).await;
        city.raise(&accounts, 1).await;
        city.settle().await;
        city.assert_heard(&accounts, 2).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_redis_at_its_address_everything_is_heard() {
    for mut city in City::all().await {
        city.courier = Some(Courier::new("redis://127.0.0.1:1/", key()).expect("a URL of Redis"));
        let accounts = accounts(0..30);
        city.start();
        city.raise(&accounts, 0).await;
        city.settle().await;
        city.assert_heard(&accounts, 1).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_killed_and_comes_back_empty_loses_nothing() {
    let Some(mut server) = Server::start().await else {
        return;
    };
    for city in cities(&server).await {
        let accounts = accounts(0..20);
        city.start();
        city.raise(&accounts, 0).await;
        city.settle().await;
        server.kill();
        city.raise(&accounts, 1).await;
        city.settle().await;
        server.restart().await;
        city.raise(&accounts, 2).await;
        city.settle().await;
        city.assert_heard(&accounts, 3).await;
        until("it is published again", || async {
            server.length().await > 0
        })
        .await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_forgets_all_the_time_loses_nothing() {
    let Some(server) = Server::start().await else {
        return;
    };
    for city in cities(&server).await {
        let accounts = accounts(0..10);
        city.start();
        for seen in 0..10 {
            city.raise(&accounts, seen).await;
            server.ask::<String>(&["FLUSHALL"]).await.expect("flushed");
        }
        city.settle().await;
        city.assert_heard(&accounts, 10).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_went_back_in_time_or_lost_a_middle_loses_nothing() {
    let Some(server) = Server::start().await else {
        return;
    };
    for city in cities(&server).await {
        let accounts = accounts(0..20);
        city.start();
        city.raise(&accounts, 0).await;
        city.settle().await;
        for stream in server.streams().await {
            // What a restart from an old dump looks like: the last events are gone, and so is their id.
            let entries: Vec<Value> = server
                .ask(&["XRANGE", &stream, "-", "+"])
                .await
                .expect("readable");
            server.ask::<i64>(&["DEL", &stream]).await.expect("deleted");
            assert!(!entries.is_empty(), "{}: {stream}", city.label);
        }
        city.raise(&accounts, 1).await;
        city.settle().await;
        for stream in server.streams().await {
            server
                .ask::<i64>(&["XTRIM", &stream, "MAXLEN", "0"])
                .await
                .expect("trimmed");
        }
        city.raise(&accounts, 2).await;
        city.settle().await;
        city.assert_heard(&accounts, 3).await;
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_last_event_is_heard_while_other_partitions_are_busy() {
    let Some(server) = Server::start().await else {
        return;
    };
    for city in cities(&server).await {
        let accounts = accounts(0..20);
        let busy = accounts[0];
        let other = accounts
            .iter()
            .find(|other| outbox::partition(**other) != outbox::partition(busy));
        let quiet = *other.expect("20 streams share 16 partitions");
        city.start();
        city.raise(&[busy, quiet], 0).await;
        city.settle().await;
        // While nothing can be applied, the quiet one's event is published and lost.
        city.reaction.make(busy, Trouble::Transient);
        city.reaction.make(quiet, Trouble::Transient);
        let before = server.length().await;
        city.raise(&[quiet], 1).await;
        until("it is published", || async {
            server.length().await > before
        })
        .await;
        let partition = format!(":{}", outbox::partition(quiet));
        let streams = server.streams().await;
        let of_quiet = streams.iter().find(|stream| stream.ends_with(&partition));
        let of_quiet = of_quiet.expect("the partition's stream");
        server.ask::<i64>(&["DEL", of_quiet]).await.expect("lost");
        city.reaction.heal();

        let mut seen = 1;
        let heard = async {
            while city
                .heard()
                .await
                .iter()
                .filter(|(of, _)| *of == quiet)
                .count()
                < 2
            {
                city.raise(&[busy], seen).await;
                seen += 1;
            }
        };
        tokio::time::timeout(LIMIT, heard)
            .await
            .expect("the log's end is looked at");
        city.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_in_redis_is_never_applied_and_does_not_stay() {
    let Some(server) = Server::start().await else {
        return;
    };
    for city in cities(&server).await {
        let accounts = accounts(0..40);
        city.start();
        city.raise(&accounts, 0).await;
        city.settle().await;
        until("all is published", || async { server.length().await >= 40 }).await;
        let streams = server.streams().await;
        let junk = streams.iter().zip(["1000000-0", "0-0"].iter().cycle());
        for (stream, id) in junk {
            if *id == "0-0" {
                // Another type at the key of a stream.
                server
                    .ask::<String>(&["SET", stream, "junk"])
                    .await
                    .expect("set");
            } else {
                server
                    .ask::<String>(&["XADD", stream, id, "event", "junk", "seal", "junk"])
                    .await
                    .expect("added");
            }
        }
        for seen in 1..4 {
            city.raise(&accounts, seen).await;
            city.settle().await;
        }
        city.assert_heard(&accounts, 4).await;
        assert_eq!(city.count("parked").await, 0, "{}", city.label);
        until("the streams are clean again", || async {
            let mut clean = true;
            for stream in server.streams().await {
                let junk: Option<Vec<Value>> =
                    server.ask(&["XRANGE", &stream, "1000000", "+"]).await;
                clean &= junk.is_some_and(|junk| junk.is_empty());
            }
            clean
        })
        .await;
        city.stop().await;
        server.ask::<String>(&["FLUSHALL"]).await.expect("flushed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_made_anew_does_not_hear_the_old_one() {
    let Some(server) = Server::start().await else {
        return;
    };
    for _ in 0..2 {
        for city in cities(&server).await {
            let account: [Uuid; 1] = [Uuid::from_u128(1)];
            city.start();
            city.raise(&account, 0).await;
            city.settle().await;
            city.assert_heard(&account, 1).await;
            city.stop().await;
        }
    }
}
