package state

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// hash is MurmurHash3 (x64, 128 bits, seed 0) in hexadecimal digits. The reference puts it into its keys, so that states
// that were copied from there are found.
func hash(text string) string {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	mix1 := func(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
	mix2 := func(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }
	var h1, h2 uint64
	data := []byte(text)
	for len(data) >= 16 {
		h1 ^= mix1(binary.LittleEndian.Uint64(data))
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= mix2(binary.LittleEndian.Uint64(data[8:]))
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
		data = data[16:]
	}
	var rest [16]byte // zeros mix to zero, so that a short tail needs no cases
	copy(rest[:], data)
	h2 ^= mix2(binary.LittleEndian.Uint64(rest[8:]))
	h1 ^= mix1(binary.LittleEndian.Uint64(rest[:]))

	h1 ^= uint64(len(text))
	h2 ^= uint64(len(text))
	h1 += h2
	h2 += h1
	h1, h2 = avalanche(h1), avalanche(h2)
	h1 += h2
	h2 += h1
	out := binary.LittleEndian.AppendUint64(nil, h1)
	return hex.EncodeToString(binary.LittleEndian.AppendUint64(out, h2))
}

func avalanche(k uint64) uint64 {
	k = (k ^ k>>33) * 0xff51afd7ed558ccd
	k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}
