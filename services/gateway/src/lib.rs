//! The edge: console and public pages. Empty until its issue comes.
