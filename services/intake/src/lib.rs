//! Owns appeals, their matters, citizens, channels and lines.
