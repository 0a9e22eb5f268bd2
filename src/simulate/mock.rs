//! The mock service: requests arrive, take their time, end and are counted.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use rand::SeedableRng as _;
use rand_pcg::Pcg64;

use super::{
    arrivals::{Arrivals, Volume},
    health::Health,
    ledger::{self, Ledger},
    lognormal::pick,
    request::Request,
    roster::{MockModel, TENANTS, tenant_shares},
};
use crate::{
    series::{Format, Gather, Page, PageError, Values},
    time::Timestamp,
};

/// The most that one step catches up with, in microseconds: a day.
const LONGEST_CATCH_UP: i64 = 86_400_000_000;
/// The most requests, at the stated rate, that one step catches up with.
const CATCH_UP_REQUESTS: f64 = 1e6;

/// What a mock service is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct MockConfig {
    /// Names with providers are unique; shares add up to 1.
    pub models: Vec<MockModel>,
    /// Mean over a weekday; 0.001 to 10,000.
    pub requests_per_second: f64,
    pub volume: Volume,
    pub health: Health,
    pub seed: u64,
    /// When the service starts, with nothing in flight and every counter at zero.
    pub start: Timestamp,
}

impl MockConfig {
    /// Healthy chat traffic: 3 requests per second, by hour of the day.
    pub fn healthy(models: Vec<MockModel>, seed: u64, start: Timestamp) -> Self {
        let health = Health::chat();
        Self { models, requests_per_second: 3.0, volume: Volume::Daily, health, seed, start }
    }
}

/// Why there is no such service.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MockError {
    #[error("a mock service needs at least one model")]
    NoModels,
    #[error("the models' shares of the traffic add up to {0}, not to 1")]
    Shares(f64),
    #[error("a rate of {0} requests per second is not between 0.001 and 10000")]
    Rate(f64),
    #[error(transparent)]
    Page(#[from] PageError),
}

/// A mock LLM service that counts what it does; time passes only by [`Mock::advance`].
#[derive(Debug)]
pub struct Mock {
    config: MockConfig,
    arrivals: Arrivals,
    rng: Pcg64,
    tenant_shares: [f64; TENANTS.len()],
    /// Microseconds since the epoch, as all instants in here.
    next_arrival: i64,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    /// Of each model, in the order of the configuration.
    pub(super) ledgers: Vec<Ledger>,
    page: Page,
    values: Values,
}

/// A request on its way; ordered by its end, then by its arrival.
#[derive(Debug)]
struct InFlight {
    end: i64,
    arrival: i64,
    model: usize,
    tenant: usize,
    request: Request,
}

impl Mock {
    pub fn new(config: MockConfig) -> Result<Self, MockError> {
        if config.models.is_empty() {
            return Err(MockError::NoModels);
        }
        let total: f64 = config.models.iter().map(|model| model.share).sum();
        if !(0.999_999..=1.000_001).contains(&total) {
            return Err(MockError::Shares(total));
        }
        let arrivals = Arrivals { requests_per_second: config.requests_per_second, volume: config.volume };
        if !(0.001..=10_000.0).contains(&arrivals.weekday_mean()) {
            return Err(MockError::Rate(arrivals.weekday_mean()));
        }
        let page = Page::new(&ledger::families(&config.models))?;
        let mut rng = Pcg64::seed_from_u64(config.seed);
        Ok(Self {
            next_arrival: arrivals.next(micros(config.start), &mut rng),
            ledgers: config.models.iter().map(Ledger::new).collect(),
            in_flight: BinaryHeap::new(),
            values: Values::default(),
            arrivals,
            rng,
            tenant_shares: tenant_shares(),
            page,
            config,
        })
    }

    /// Lets everything happen that happens up to and at `to`. A time that has passed already changes nothing.
    ///
    /// Of a long gap (a laptop that slept) only the last day, or the last million requests, is lived through.
    pub fn advance(&mut self, to: Timestamp) {
        let to = micros(to);
        let horizon = to - self.longest_catch_up();
        if self.next_arrival < horizon {
            self.next_arrival = self.arrivals.next(horizon, &mut self.rng);
        }
        while self.next_arrival <= to {
            self.finish_until(self.next_arrival);
            self.arrive();
        }
        self.finish_until(to);
    }

    fn longest_catch_up(&self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "the rate is at least 0.001 per second")]
        let by_requests = (CATCH_UP_REQUESTS / self.arrivals.weekday_mean() * 1e6) as i64;
        LONGEST_CATCH_UP.min(by_requests)
    }

    fn arrive(&mut self) {
        let arrival = self.next_arrival;
        let model = pick(self.config.models.iter().map(|model| model.share), &mut self.rng);
        let tenant = pick(self.tenant_shares.into_iter(), &mut self.rng);
        let request = Request::draw(&self.config.health, &mut self.rng);
        #[expect(clippy::cast_possible_truncation, reason = "a request takes minutes at most")]
        let end = arrival + (request.duration * 1e6) as i64;
        self.ledgers[model].active += 1;
        self.in_flight.push(Reverse(InFlight { end, arrival, model, tenant, request }));
        self.next_arrival = self.arrivals.next(arrival, &mut self.rng);
    }

    fn finish_until(&mut self, instant: i64) {
        while let Some(Reverse(first)) = self.in_flight.peek()
            && first.end <= instant
        {
            let Reverse(done) = self.in_flight.pop().expect("it was peeked at");
            self.ledgers[done.model].finish(done.tenant, &done.request);
        }
    }
}

impl Gather for Mock {
    fn gather(&mut self, now: Timestamp, format: Format, out: &mut Vec<u8>) {
        self.advance(now);
        ledger::fill(&self.ledgers, self.config.start, &mut self.values);
        self.page.write(format, &self.values, out);
    }
}

impl Ord for InFlight {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.end, self.arrival).cmp(&(other.end, other.arrival))
    }
}

impl PartialOrd for InFlight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for InFlight {}

impl PartialEq for InFlight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

fn micros(timestamp: Timestamp) -> i64 {
    timestamp.0.saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::ground_truth::{START, models};

    #[track_caller]
    fn check_error(change: impl FnOnce(&mut MockConfig), expect: &str) {
        let mut config = MockConfig::healthy(models(), 1, START);
        change(&mut config);
        assert_eq!(Mock::new(config).unwrap_err().to_string(), expect);
    }

    #[test]
    fn services_that_can_not_be() {
        check_error(|c| c.models.clear(), "a mock service needs at least one model");
        check_error(|c| c.models[0].share = 0.5, "the models' shares of the traffic add up to 1.1, not to 1");
        check_error(
            |c| c.requests_per_second = 0.0,
            "a rate of 0 requests per second is not between 0.001 and 10000",
        );
        check_error(
            |c| c.volume = Volume::Steady { multiplier: f64::NAN },
            "a rate of NaN requests per second is not between 0.001 and 10000",
        );
        check_error(
            |c| c.models[1].name = c.models[0].name.clone(),
            "the series `llm_requests_total{model=\"gpt-4o\",provider=\"openai\",status=\"success\",\
             tenant=\"acme\"}` is given twice",
        );
    }
}
