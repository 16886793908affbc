package sqlite

import (
	"cmp"
	"slices"

	"github.com/windhover-io/windhover/internal/backend/sqlbase"
)

const (
	addQuarter = `INSERT INTO quarter_counts (tenant, bucket, namespace, flow_id, state, kind, child, n, ended, sum, min, max)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET n = n + excluded.n, sum = sum + excluded.sum,
			min = CASE WHEN excluded.ended = 0 THEN min WHEN ended = 0 THEN excluded.min ELSE min(min, excluded.min) END,
			max = CASE WHEN excluded.ended = 0 THEN max WHEN ended = 0 THEN excluded.max ELSE max(max, excluded.max) END,
			ended = ended + excluded.ended`
	quarterKey  = ` WHERE tenant = ? AND bucket = ? AND namespace = ? AND flow_id = ? AND state = ? AND kind = ? AND child = ?`
	takeQuarter = `UPDATE quarter_counts SET n = n - ?, ended = ended - ?, sum = sum - ?` + quarterKey + ` RETURNING n, ended, min, max`
	dropQuarter = `DELETE FROM quarter_counts` + quarterKey
	// The durations of what is left, when the shortest or the longest one went.
	leftInQuarter = `SELECT coalesce(min(duration), 0), coalesce(max(duration), 0) FROM executions
		WHERE tenant = ? AND namespace = ? AND flow_id = ? AND started >= ? AND started < ? AND state = ? AND kind = ? AND (trigger_execution <> '') = ?`
	setExtremes = `UPDATE quarter_counts SET min = ?, max = ?` + quarterKey

	addDay    = `INSERT INTO day_counts (tenant, bucket, namespace, flow_id, state, kind, child, n) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n`
	dropDay   = `DELETE FROM day_counts` + quarterKey + ` AND n = 0`
	addTotal  = `INSERT INTO total_counts (tenant, namespace, flow_id, state, kind, child, n) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n`
	dropTotal = `DELETE FROM total_counts WHERE tenant = ? AND namespace = ? AND flow_id = ? AND state = ? AND kind = ? AND child = ? AND n = 0`
)

// writeCounts writes what the batch changed of the counts. It comes after the executions themselves.
func (s *store) writeCounts() error {
	days, totals := map[sqlbase.StatKey]int64{}, map[sqlbase.StatKey]int64{}
	for _, key := range s.changedCounts() {
		change := s.counts[key]
		if a := change.Added; a.N > 0 {
			if _, err := s.exec(addQuarter, append(countKey(key), a.N, a.Ended, a.Sum, a.Min, a.Max)...); err != nil {
				return err
			}
		}
		if change.Taken > 0 {
			if err := s.takeFromQuarter(key, change); err != nil {
				return err
			}
		}
		n := change.Added.N - change.Taken
		key.Quarter = sqlbase.Floor(key.Quarter, sqlbase.Day)
		days[key] += n
		key.Quarter = 0
		totals[key] += n
	}
	for key, n := range days {
		if err := s.move(addDay, dropDay, countKey(key), n); err != nil {
			return err
		}
	}
	for key, n := range totals {
		k := countKey(key)
		if err := s.move(addTotal, dropTotal, append(k[:1], k[2:]...), n); err != nil { // without the bucket
			return err
		}
	}
	return nil
}

// move adds n, which may be negative, to a count. One that comes to nothing is dropped.
func (s *store) move(add, drop string, key []any, n int64) error {
	if n == 0 {
		return nil
	}
	if _, err := s.exec(add, append(slices.Clone(key), n)...); err != nil || n > 0 {
		return err
	}
	_, err := s.exec(drop, key...)
	return err
}

// changedCounts are the keys in the order of the table, so that neighbours are written together.
func (s *store) changedCounts() []sqlbase.StatKey {
	keys := make([]sqlbase.StatKey, 0, len(s.counts))
	for key := range s.counts {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b sqlbase.StatKey) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Quarter, b.Quarter), cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.FlowID, b.FlowID), cmp.Compare(a.State, b.State), cmp.Compare(a.Kind, b.Kind))
	})
	return keys
}

func countKey(k sqlbase.StatKey) []any {
	child := ""
	if k.Child {
		child = "1"
	}
	return []any{k.Tenant, k.Quarter, k.Namespace, k.FlowID, k.State, k.Kind, child}
}

func (s *store) takeFromQuarter(key sqlbase.StatKey, change *sqlbase.StatChange) error {
	var left sqlbase.Stat
	args := append([]any{change.Taken, change.Ended, change.Sum}, countKey(key)...)
	if err := s.row(takeQuarter, args...).Scan(&left.N, &left.Ended, &left.Min, &left.Max); err != nil {
		return err
	}
	if left.N == 0 {
		_, err := s.exec(dropQuarter, countKey(key)...)
		return err
	}
	extreme := func(d int64) bool { return d <= left.Min || d >= left.Max }
	if left.Ended == 0 || !slices.ContainsFunc(change.Lost, extreme) {
		return nil
	}
	err := s.row(leftInQuarter, key.Tenant, key.Namespace, key.FlowID, key.Quarter, key.Quarter+sqlbase.Quarter.Microseconds(),
		key.State, key.Kind, key.Child).Scan(&left.Min, &left.Max)
	if err != nil {
		return err
	}
	_, err = s.exec(setExtremes, append([]any{left.Min, left.Max}, countKey(key)...)...)
	return err
}
