//! Instruments beside equities: a few futures and cryptocurrencies, which trade at the prices of a fund. Their streamer
//! spelling is another one than their symbol, and the feed knows no other.

/// One instrument that is no equity.
#[derive(Debug)]
pub(crate) struct Further {
    /// Symbol in tastytrade spelling: `/ESZ6`.
    pub(crate) symbol: &'static str,
    /// Symbol in streamer spelling: `/ESZ26:XCME`.
    pub(crate) streamer: &'static str,
    pub(crate) description: &'static str,
    pub(crate) is_future: bool,
    /// The fund whose prices it has.
    pub(crate) proxy: &'static str,
}

/// All of them, sorted by symbol.
pub(crate) const FURTHER: &[Further] = &[
    Further {
        symbol: "/ESZ6",
        streamer: "/ESZ26:XCME",
        description: "E-Mini S&P 500, December 2026",
        is_future: true,
        proxy: "SPY",
    },
    Further {
        symbol: "/NQZ6",
        streamer: "/NQZ26:XCME",
        description: "E-Mini Nasdaq 100, December 2026",
        is_future: true,
        proxy: "QQQ",
    },
    Further {
        symbol: "BTC/USD",
        streamer: "BTC/USD:CXTALP",
        description: "Bitcoin to US dollar",
        is_future: false,
        proxy: "IWM",
    },
];

/// The fund that a streamer symbol has the prices of.
pub(crate) fn proxy(streamer: &str) -> Option<&'static str> {
    FURTHER.iter().find(|further| further.streamer == streamer).map(|further| further.proxy)
}
