// Package schedule turns the schedules of the contract (interval, cron and recurrence
// rule) into instants. It is pure: the same schedule and the same arguments always give
// the same answer, and the only thing read from outside is the time zone database. The
// binary carries a copy of that (about 400 kB, no cost at start-up) for machines without one.
//
// # What After promises
//
// A schedule stands for a fixed, ascending set of instants without duplicates. After(t, n,
// until) is the part of it from t to until, both included, cut to n. The answer for a later
// t is therefore always a suffix of the answer for an earlier one, also around the changes
// of daylight saving time, so that two planners never disagree about an instant.
//
// # Daylight saving time
//
//   - Cron and recurrence rules are evaluated on the clock on the wall and then placed in
//     the zone. An hour that happens twice counts the first time. A time that is skipped
//     moves forward by the length of the gap: 02:30 becomes 03:30.
//   - An interval of whole days keeps the wall clock; anything shorter is absolute time. The
//     days of a mixed interval keep the wall clock, the remainder is absolute.
//
// # Where it differs from the reference
//
// The answers are those of the reference on Python 3.13, checked by the vectors in testdata,
// except where the reference loses or repeats runs, raises or never returns:
//
//   - Intervals are stepped from the anchor. The reference jumps in absolute time first and
//     so changes its phase with the season from which it is asked.
//   - Nothing before t is returned when t lies in an hour that happens twice, and a skipped
//     time is found from every t before it and stands in its place among the others.
//   - A cron day that a month lacks no longer swallows the first days of the next month:
//     "0 0 1,31 * *" fires on 1 March.
//   - Cron expressions without a further date (30 February, a year that is over) have no
//     dates instead of failing; "30 2" or-ed with a weekday keeps the weekday.
//   - Random cron fields are refused in every form, not only the bare "R".
//   - Recurrence rules with an INTERVAL below 1 are refused. A zoned UNTIL without DTSTART works.
//     COUNT is limited to a million, and so are exclusions in a row.
package schedule
