//! Whole-system journeys through public doors.
