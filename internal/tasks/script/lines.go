package script

import (
	"bytes"
	"unicode/utf8"
)

const (
	// longest is the length from which a line is handed on in pieces, in bytes: a command may write any amount without an end
	// of line, and memory stays what it is.
	longest = 64 << 10
	// longestMessage is how long a line of the protocol may be.
	longestMessage = 16 << 20
)

// lines cuts what a command writes into lines. A line ends with a line feed, a carriage return, or both, so that progress
// that is written over itself is seen too.
type lines struct {
	// line takes a line, or a piece of one, and hears whether that is its beginning and its end. The bytes are only valid
	// until it returns.
	line   func(line []byte, begins, ends bool)
	rest   []byte
	feed   bool // the line feed that follows belongs to the carriage return before it
	pieces bool // a piece of the present line has been handed on
}

// Write implements io.Writer; it always takes everything.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if l.feed && p[0] == '\n' {
			p = p[1:]
			l.feed = false
			continue
		}
		l.feed = false
		end := bytes.IndexAny(p, "\r\n")
		if end < 0 {
			l.keep(p)
			break
		}
		if len(l.rest) > 0 {
			l.keep(p[:end])
			l.hand(l.rest, true)
		} else {
			l.hand(p[:end], true)
		}
		l.feed = p[end] == '\r'
		p = p[end+1:]
	}
	return n, nil
}

// close hands on what was written without an end of line.
func (l *lines) close() {
	if len(l.rest) > 0 || l.pieces {
		l.hand(l.rest, true)
	}
}

func (l *lines) hand(line []byte, ends bool) {
	l.line(line, !l.pieces, ends)
	l.rest = l.rest[:0]
	l.pieces = !ends
	if cap(l.rest) > 2*longest {
		l.rest = nil
	}
}

// keep keeps the beginning of a line, and hands on pieces of it where it is too long.
func (l *lines) keep(p []byte) {
	for len(p) > 0 {
		limit := longest
		if !l.pieces && bytes.HasPrefix(l.rest, []byte(opening)) {
			limit = longestMessage
		}
		if room := limit - len(l.rest); len(p) <= room {
			l.rest = append(l.rest, p...)
			return
		}
		n := max(limit-len(l.rest), 0)
		l.rest = append(l.rest, p[:n]...)
		p = p[n:]
		l.cut()
	}
}

// cut hands on most of what is kept: up to a blank near its end, so that no word is cut in two that might be a secret, else up
// to a whole character.
func (l *lines) cut() {
	at := bytes.LastIndexByte(l.rest, ' ') + 1
	if at < len(l.rest)-len(l.rest)/4 {
		at = len(l.rest)
		for back := 1; back <= utf8.UTFMax && back < at; back++ {
			if c := l.rest[at-back]; utf8.RuneStart(c) {
				if !utf8.FullRune(l.rest[at-back:]) {
					at -= back
				}
				break
			}
		}
	}
	tail := append([]byte(nil), l.rest[at:]...)
	l.hand(l.rest[:at], false)
	l.rest = append(l.rest, tail...)
}
