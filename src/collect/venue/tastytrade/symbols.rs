//! Active equities, ETFs and indices, with the lists each belongs to; futures and cryptocurrencies that are asked for.

use super::batch;
use super::parse::{self, CRYPTOCURRENCIES, EQUITIES, Extent, FUTURES, SymbolRow};
use crate::collect::client::{Client, ClientError, Get};
use crate::collect::universe::{is_future, is_pair};
use crate::collect::venue::outcome::{Outcome, Parsed, each};
use crate::collect::{FailedItem, Fetch, FetchError, Fetched, Request};
use crate::lake::quality::{Doubt, DoubtKind, Severity};
use crate::market::list;
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most the vendor serves on a page.
const PER_PAGE_MAX: u32 = 5000;
/// Futures or cryptocurrencies of one request.
const FURTHER_MAX: usize = 50;
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
    /// Symbols that are collected: futures and cryptocurrencies among them are asked for one by one, and those that the
    /// venue does not know are told.
    pub collected: Vec<String>,
    /// Symbols per page, 1 to 5000.
    pub per_page: u32,
}

impl Symbols {
    /// Marks members of the lists named, 1000 symbols a page.
    pub fn new(client: Client, lists: Vec<String>, extra_lists: HashMap<String, Vec<String>>) -> Self {
        Self { client, lists, extra_lists, collected: Vec::new(), per_page: 1000 }
    }

    /// The same where these symbols are collected.
    #[must_use]
    pub fn collecting(mut self, symbols: Vec<String>) -> Self {
        self.collected = symbols;
        self
    }

    /// Futures and cryptocurrencies among the symbols that are collected and no page has.
    async fn fetch_further(
        &self,
        client: &Client,
        rows: &BTreeMap<String, SymbolRow>,
        outcome: &mut Outcome<SymbolRow>,
    ) -> Vec<SymbolRow> {
        let missing: Vec<&str> =
            self.collected.iter().map(String::as_str).filter(|symbol| !rows.contains_key(*symbol)).collect();
        let mut further = Vec::new();
        for (route, kind) in [(FUTURES, "future"), (CRYPTOCURRENCIES, "cryptocurrency")] {
            let of_kind = |symbol: &&str| {
                if kind == "future" { is_future(symbol) } else { !is_future(symbol) && is_pair(symbol) }
            };
            let asked: Vec<&str> = missing.iter().copied().filter(of_kind).collect();
            for asked in asked.chunks(FURTHER_MAX) {
                let get = asked.iter().fold(Get::new(route), |get, symbol| get.with("symbol[]", *symbol));
                let answer = client.get(&get).await.and_then(|answer| {
                    let parsed = parse::instruments(answer, route, kind, Some(kind));
                    parsed.map_err(|reason| unreadable(client, route, reason))
                });
                match answer {
                    Ok(Parsed { rows, problems }) => {
                        outcome.findings.extend(problems.findings);
                        further.extend(rows.into_iter().filter(|row| asked.contains(&row.symbol.as_str())));
                    }
                    Err(error) => outcome.failed.extend(
                        asked.iter().map(|item| FailedItem { item: (*item).to_owned(), reason: error.to_string() }),
                    ),
                }
            }
        }
        further
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
    Get::new(EQUITIES)
        .with("per-page", per_page.clamp(1, PER_PAGE_MAX).to_string())
        .with("page-offset", number.to_string())
}

fn page_name(number: i64) -> String {
    format!("page {number}")
}

/// One page: its rows, and what it says of the list.
struct Page {
    parsed: Parsed<SymbolRow>,
    extent: Extent,
}

async fn fetch_page(client: Client, per_page: u32, number: i64) -> Result<Page, ClientError> {
    let get = page(per_page, number);
    let answer = client.get(&get).await?;
    let extent = parse::extent(&answer);
    let parsed = parse::symbols(answer, &page_name(number)).map_err(|reason| unreadable(&client, EQUITIES, reason))?;
    Ok(Page { parsed, extent })
}

fn unreadable(client: &Client, path: &str, reason: String) -> ClientError {
    ClientError::Unreadable { origin: client.origin().to_owned(), path: path.to_owned(), reason }
}

/// Why the pages that were read are not the whole list; `None` when they are: all were read, none was empty, and there are
/// as many symbols as the venue says.
fn partial(extent: Extent, page_failed: bool, empty_page: bool, symbols: u64) -> Option<String> {
    let Some(pages) = extent.pages else {
        return Some("the answer does not say how many pages there are".to_owned());
    };
    if page_failed || pages > PAGES_MAX {
        return Some(format!("not all of {pages} pages could be read"));
    }
    if empty_page {
        return Some("a page has no rows".to_owned());
    }
    let items = extent.items.and_then(|items| u64::try_from(items).ok());
    items.filter(|items| *items > symbols).map(|items| format!("the venue lists {items} symbols and sent {symbols}"))
}

#[async_trait]
impl Fetch for Symbols {
    /// One task per page. Where the pages are not the whole list, the answer is partial: symbols that are not in it keep
    /// their rows.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let client = self.client.for_purpose(&request.purpose);
        request.progress.total.fetch_add(1, Ordering::Relaxed);
        let Page { parsed: first, extent } = fetch_page(client.clone(), self.per_page, 0).await?;
        let mut outcome = Outcome::default();
        let empty_pages = Arc::new(AtomicU64::new(u64::from(first.rows.is_empty())));
        outcome.add(&page_name(0), Ok(first), &request.progress);
        let pages = extent.pages.unwrap_or(1);
        let numbers: Vec<String> = (1..pages.min(PAGES_MAX)).map(|number| number.to_string()).collect();
        let per_page = self.per_page;
        let rest = each(&numbers, &request.progress, |number| {
            let (client, empty_pages) = (client.clone(), empty_pages.clone());
            async move {
                let page = fetch_page(client, per_page, number.parse().unwrap_or_default()).await?;
                empty_pages.fetch_add(u64::from(page.parsed.rows.is_empty()), Ordering::Relaxed);
                Ok(page.parsed)
            }
        });
        let rest = rest.await;
        let page_failed = rest.first_error.is_some();
        outcome.answered += rest.answered;
        outcome.findings.extend(rest.findings);
        outcome.failed.extend(
            rest.failed
                .into_iter()
                .map(|failed| FailedItem { item: failed.item.parse().map_or(failed.item, page_name), ..failed }),
        );
        let mut rows: BTreeMap<String, SymbolRow> = BTreeMap::new();
        for row in outcome.rows.drain(..).chain(rest.rows) {
            rows.insert(row.symbol.clone(), row);
        }
        let told = rows.len() as u64 + outcome.findings.rejected_rows();
        let partial = partial(extent, page_failed, empty_pages.load(Ordering::Relaxed) > 0, told);
        for row in self.fetch_further(&client, &rows, &mut outcome).await {
            rows.insert(row.symbol.clone(), row);
        }
        let lists = self.memberships(&mut outcome.failed);
        for (symbol, lists) in lists {
            match rows.get_mut(&symbol) {
                Some(row) => row.lists = lists.into_iter().collect(),
                None => {
                    let lists = lists.into_iter().collect::<Vec<_>>().join(", ");
                    let told = format!("member of {lists}, but the venue has no active symbol of that name");
                    let doubt = Doubt::about(&symbol, DoubtKind::UnknownSymbol, Severity::Warning, told);
                    outcome.findings.doubt(doubt, 1);
                }
            }
        }
        for symbol in self.collected.iter().filter(|symbol| !rows.contains_key(*symbol)) {
            let told = "it is collected, but the venue has no active symbol of that name";
            let doubt = Doubt::about(symbol, DoubtKind::UnknownSymbol, Severity::Warning, told);
            outcome.findings.doubt(doubt, 1);
        }
        outcome.rows = rows.into_values().collect();
        let fetched_at = client.clock().now();
        let fetched = outcome
            .finish(&client, &request.findings, pages.max(1) as u64, |rows| batch::symbols(&rows, fetched_at))?;
        Ok(Fetched { partial, ..fetched })
    }
}
