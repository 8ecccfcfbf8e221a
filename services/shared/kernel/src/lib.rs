//! The pure vocabulary of hotline: ids, time, phone numbers, calendars, text.
