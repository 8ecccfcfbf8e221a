//! Someone on this machine who asks and looks at his watch.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use hotline_kernel::number::TicketNumber;
use hotline_proto::gateway::SignInRequest;
use hotline_proto::gateway::account_service_client::AccountServiceClient;
use hotline_proto::intake::QueryProgressRequest;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use rand::rngs::StdRng;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::people::{FREE, People};
use crate::bench::apart::pick;
use crate::bench::server::Server;
use crate::bench::texts;
use crate::demo::city::{by, said};

/// Wrong passwords from one address before it is left.
const FROM_ONE_ADDRESS: usize = 24;
/// Wrong passwords that close an address.
const CLOSES: usize = 30;
/// Wrong passwords in a row that lock a name.
const LOCKS: usize = 10;
/// How long it is tried to lock names: the waits between double.
const LOCKING_MAX: Duration = Duration::from_mins(2);
/// How often it is tried.
const LOOK: Duration = Duration::from_millis(200);
/// A wrong code of the length that query codes have.
const WRONG: &str = "AAAAAAAA";

/// Numbers with and without an appeal.
pub(super) struct Numbers {
    known: Vec<String>,
    unknown: Vec<String>,
}

impl Numbers {
    /// Registers appeals, and mints as many numbers that nobody has.
    pub(super) async fn gather(server: &Server, count: usize) -> anyhow::Result<Self> {
        let mut intake = IntakeServiceClient::new(server.connect()?);
        let mut known = Vec::new();
        for index in 0..count {
            let request = texts::usual("sign-in", index as u64);
            let registered = said(
                intake
                    .register_appeal(by("channel", "bench", request))
                    .await,
            )?;
            known.push(registered.receipt.context("a receipt")?.number);
        }
        let day = known.first().and_then(|number| number.get(..6));
        let day =
            NaiveDate::parse_from_str(day.context("a number begins with its day")?, "%y%m%d")?;
        let mut state = 1_u32;
        let mut draw = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let unknown = std::iter::repeat_with(|| TicketNumber::mint(day, &mut draw))
            .map(|number| number.as_str().to_owned())
            .filter(|number| !known.contains(number))
            .take(count)
            .collect();
        Ok(Self { known, unknown })
    }
}

pub(super) struct Asker<'a> {
    server: &'a Server,
    random: StdRng,
    addresses: u16,
}

impl<'a> Asker<'a> {
    pub(super) fn new(server: &'a Server, random: StdRng) -> Self {
        Self {
            server,
            random,
            addresses: 0,
        }
    }

    /// Wrong passwords that are compared with a hash: of known names, of nobody's, of disabled ones.
    pub(super) async fn guess(
        &mut self,
        people: &People,
        samples: usize,
    ) -> anyhow::Result<[Vec<f64>; 3]> {
        let kinds = [&people.known, &people.unknown, &people.disabled];
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        let mut door = self.door().await?;
        let mut used = 0;
        for sample in 0..samples {
            if used + kinds.len() > FROM_ONE_ADDRESS {
                (door, used) = (self.door().await?, 0);
            }
            for kind in self.shuffled(kinds.len()) {
                let (took, status) = door.sign_in(&kinds[kind][sample / FREE]).await?;
                expect(&status, Code::Unauthenticated)?;
                times[kind].push(took);
                used += 1;
            }
        }
        Ok(times)
    }

    /// Answers about a known name and nobody's after so many wrong passwords that neither is compared.
    pub(super) async fn at_locked(
        &mut self,
        people: &People,
        samples: usize,
    ) -> anyhow::Result<[Vec<f64>; 2]> {
        let names = [last(&people.known, 1)?, last(&people.unknown, 1)?];
        let mut door = self.door().await?;
        let begun = Instant::now();
        let mut left = [LOCKS; 2];
        while left != [0; 2] {
            if begun.elapsed() > LOCKING_MAX {
                bail!("names were not locked in {LOCKING_MAX:?}");
            }
            for (left, name) in left.iter_mut().zip(&names).filter(|(left, _)| **left > 0) {
                let (_, status) = door.sign_in(name).await?;
                if status.code() == Code::Unauthenticated {
                    *left -= 1;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
        self.refused(&mut door, &names, samples).await
    }

    /// Answers about a known name and nobody's from an address that is closed.
    pub(super) async fn at_closed_address(
        &mut self,
        people: &People,
        samples: usize,
    ) -> anyhow::Result<[Vec<f64>; 2]> {
        let mut door = self.door().await?;
        for index in 0..CLOSES {
            let (_, status) = door.sign_in(&format!("other-{:05}", index / FREE)).await?;
            expect(&status, Code::Unauthenticated)?;
        }
        let names = [last(&people.known, 2)?, last(&people.unknown, 2)?];
        self.refused(&mut door, &names, samples).await
    }

    async fn refused(
        &mut self,
        door: &mut Door,
        names: &[String; 2],
        samples: usize,
    ) -> anyhow::Result<[Vec<f64>; 2]> {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..samples {
            for kind in self.shuffled(names.len()) {
                let (took, status) = door.sign_in(&names[kind]).await?;
                expect(&status, Code::ResourceExhausted)?;
                times[kind].push(took);
            }
        }
        Ok(times)
    }

    /// Wrong query codes of numbers with an appeal and of such as have none.
    pub(super) async fn look(
        &mut self,
        numbers: &Numbers,
        samples: usize,
    ) -> anyhow::Result<[Vec<f64>; 2]> {
        let kinds = [&numbers.known, &numbers.unknown];
        let mut times = [Vec::new(), Vec::new()];
        let mut intake = IntakeServiceClient::new(self.server.connect()?);
        let mut asked = 0_u32;
        for sample in 0..samples {
            for kind in self.shuffled(kinds.len()) {
                asked += 1;
                let numbers = kinds[kind];
                let request = QueryProgressRequest {
                    number: numbers[sample % numbers.len()].clone(),
                    query_code: WRONG.to_owned(),
                    client_address: Ipv4Addr::from_bits(0x0A00_0000 + asked).to_string(),
                };
                let request = by("channel", "bench", request);
                let begun = Instant::now();
                let answer = intake.query_progress(request).await;
                let took = micros(begun);
                expect(&refusal(answer.map(drop))?, Code::NotFound)?;
                times[kind].push(took);
            }
        }
        Ok(times)
    }

    /// A connection from another address of this machine, open already.
    async fn door(&mut self) -> anyhow::Result<Door> {
        self.addresses += 1;
        let [high, low] = self.addresses.to_be_bytes();
        let channel = Endpoint::from_shared(self.server.url())?
            .tcp_nodelay(true)
            .local_address(Some(Ipv4Addr::new(127, 7, high, low).into()))
            .connect()
            .await?;
        Ok(Door {
            accounts: AccountServiceClient::new(channel),
        })
    }

    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut places: Vec<usize> = (0..count).collect();
        for end in (1..count).rev() {
            places.swap(end, pick(&mut self.random, end + 1));
        }
        places
    }
}

struct Door {
    accounts: AccountServiceClient<Channel>,
}

impl Door {
    /// Signs in with what is wrong; how long it took, in microseconds, and how it was refused.
    async fn sign_in(&mut self, name: &str) -> anyhow::Result<(f64, Status)> {
        let request = SignInRequest {
            name: name.to_owned(),
            password: "a wrong password".to_owned(),
            code: "000000".to_owned(),
            device: format!("hd_{}", "0".repeat(64)),
            agent: "bench".to_owned(),
            ..SignInRequest::default()
        };
        let begun = Instant::now();
        let answer = self.accounts.sign_in(request).await;
        let took = micros(begun);
        Ok((took, refusal(answer.map(drop))?))
    }
}

fn micros(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e6
}

fn refusal(answer: Result<(), Status>) -> anyhow::Result<Status> {
    match answer {
        Ok(()) => bail!("what is wrong was accepted"),
        Err(status) => Ok(status),
    }
}

fn expect(status: &Status, code: Code) -> anyhow::Result<()> {
    if status.code() != code {
        bail!("expected {code:?}: {status:?}");
    }
    Ok(())
}

/// The name that stands so far from the end.
fn last(names: &[String], back: usize) -> anyhow::Result<String> {
    let name = names.iter().rev().nth(back - 1);
    name.cloned().context("names that were gathered")
}
