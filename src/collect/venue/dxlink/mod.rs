//! dxLink.
