//! Active equities, ETFs and indices, with the lists each belongs to.

use super::batch;
use super::parse::{self, SymbolRow};
use crate::collect::client::{Client, ClientError, Get};
use crate::collect::venue::outcome::{Outcome, Parsed, each};
use crate::collect::{FailedItem, Fetch, FetchError, Fetched, Request};
use crate::market::list;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;

const ENDPOINT: &str = "/instruments/equities/active";
/// The most the vendor serves on a page.
const PER_PAGE_MAX: u32 = 5000;
/// More pages than any venue has symbols for.
const PAGES_MAX: i64 = 1000;

/// Source of the dataset `symbols`.
#[derive(Debug, Clone)]
pub struct Symbols {
    /// The HTTP client of the source, with its budget and breakers.
    pub client: Client,
    /// Built-in lists (see [`list::names`]) whose members are marked.
    pub lists: Vec<String>,
    /// Further lists: name and members in tastytrade spelling.
    pub extra_lists: HashMap<String, Vec<String>>,
    /// Symbols per page, 1 to 5000.
    pub per_page: u32,
}

impl Symbols {
    /// Marks members of the lists named, 1000 symbols a page.
    pub fn new(client: Client, lists: Vec<String>, extra_lists: HashMap<String, Vec<String>>) -> Self {
        Self { client, lists, extra_lists, per_page: 1000 }
    }

    /// Lists by member. A name that is no list is a failed item.
    fn memberships(&self, failed: &mut Vec<FailedItem>) -> BTreeMap<String, BTreeSet<String>> {
        let mut lists: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut add = |symbol: &str, name: &str| {
            lists.entry(symbol.to_owned()).or_default().insert(name.to_owned());
        };
        for name in &self.lists {
            match list::members(name) {
                Some(members) => members.iter().for_each(|member| add(&member.symbol, name)),
                None if self.extra_lists.contains_key(name) => {}
                None => {
                    failed.push(FailedItem { item: name.clone(), reason: "there is no list of that name".to_owned() })
                }
            }
        }
        for (name, members) in &self.extra_lists {
            members.iter().for_each(|member| add(member, name));
        }
        lists
    }
}

fn page(per_page: u32, number: i64) -> Get {
    Get::new(ENDPOINT)
        .with("per-page", per_page.clamp(1, PER_PAGE_MAX).to_string())
        .with("page-offset", number.to_string())
}

fn page_name(number: i64) -> String {
    format!("page {number}")
}

async fn fetch_page(client: Client, per_page: u32, number: i64) -> Result<(Parsed<SymbolRow>, i64), ClientError> {
    let get = page(per_page, number);
    let answer = client.get(&get).await?;
    let pages = parse::pages(&answer);
    parse::symbols(answer, &page_name(number))
        .map(|parsed| (parsed, pages))
        .map_err(|reason| unreadable(&client, reason))
}

fn unreadable(client: &Client, reason: String) -> ClientError {
    ClientError::Unreadable { origin: client.origin().to_owned(), path: ENDPOINT.to_owned(), reason }
}

#[async_trait]
impl Fetch for Symbols {
    /// One task per page. When a page fails, the symbols of the request that no other page holds are failed items, so
    /// that they keep their rows.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let client = self.client.with_own_count();
        request.progress.total.fetch_add(1, Ordering::Relaxed);
        let (first, pages) = fetch_page(client.clone(), self.per_page, 0).await?;
        let mut outcome = Outcome::default();
        outcome.add(&page_name(0), Ok(first), &request.progress);
        let numbers: Vec<String> = (1..pages.min(PAGES_MAX)).map(|number| number.to_string()).collect();
        let per_page = self.per_page;
        let rest = each(&numbers, &request.progress, |number| {
            let client = client.clone();
            async move { Ok(fetch_page(client, per_page, number.parse().unwrap_or_default()).await?.0) }
        });
        let rest = rest.await;
        let page_failed = rest.first_error.is_some();
        outcome.answered += rest.answered;
        outcome.failed.extend(rest.failed.into_iter().map(|failed| FailedItem {
            // Items of `each` are bare page numbers; faults inside a page carry their own names.
            item: failed.item.parse().map_or(failed.item, page_name),
            reason: failed.reason,
        }));
        let mut rows: BTreeMap<String, SymbolRow> = BTreeMap::new();
        for row in outcome.rows.drain(..).chain(rest.rows) {
            rows.insert(row.symbol.clone(), row);
        }
        let lists = self.memberships(&mut outcome.failed);
        for (symbol, lists) in lists {
            match rows.get_mut(&symbol) {
                Some(row) => row.lists = lists.into_iter().collect(),
                None => {
                    let lists = lists.into_iter().collect::<Vec<_>>().join(", ");
                    let reason = format!("member of {lists}, but the venue has no active symbol of that name");
                    outcome.failed.push(FailedItem { item: symbol, reason });
                }
            }
        }
        if page_failed {
            for symbol in request.items.iter().filter(|symbol| !rows.contains_key(*symbol)) {
                let reason = "its page may be the one that could not be fetched".to_owned();
                outcome.failed.push(FailedItem { item: symbol.clone(), reason });
            }
        }
        outcome.rows = rows.into_values().collect();
        let fetched_at = client.clock().now();
        outcome.finish(&client, pages.max(1) as u64, |rows| batch::symbols(&rows, fetched_at))
    }
}
