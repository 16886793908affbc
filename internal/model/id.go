package model

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
)

// idLength is the length of every id: 22 base-62 characters hold 128 bits, as the reference's friendly ids do.
const idLength = 22

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewID draws a fresh id. It is for the edges (API, scheduler); the engine derives its ids.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails: it ends the process instead
	return encodeID(b)
}

// DeriveID returns the id that belongs to these parts: the same parts give the same id, always and everywhere,
// so that an event handled twice creates nothing twice.
func DeriveID(parts ...string) string {
	buf := make([]byte, 0, 128)
	for _, p := range parts {
		buf = binary.AppendUvarint(buf, uint64(len(p)))
		buf = append(buf, p...)
	}
	sum := sha256.Sum256(buf)
	return encodeID([16]byte(sum[:16]))
}

func encodeID(b [16]byte) string {
	var out [idLength]byte
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	half := idLength / 2
	for i := half - 1; i >= 0; i-- {
		out[i], hi = base62[hi%62], hi/62
		out[half+i], lo = base62[lo%62], lo/62
	}
	// Clients recognise an id by a digit, a small and a capital letter in it; the first three characters see to that
	// and still leave far more than 100 bits.
	out[0] = base62[10+26+int(out[0])%26]
	out[1] = base62[int(out[1])%10]
	out[2] = base62[10+int(out[2])%26]
	return string(out[:])
}
