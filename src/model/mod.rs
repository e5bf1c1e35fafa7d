//! The words of the house as types: plain data that every floor above shares. No I/O, no third-party library but time and addresses.

pub mod chain;
pub mod clock;
pub mod edition;
pub mod entry_marks;
pub mod feed;
pub mod feed_list;
pub mod heartbeat;
pub mod identity;
pub mod item;
pub mod poll;
pub mod story;
pub mod subscription;
pub mod view;
