package numfmt

import (
	"math"
	"math/big"
	"testing"

	"github.com/windhover-io/windhover/internal/value"
)

// TestFormat has the answers of the reference, for values and patterns of our own.
func TestFormat(t *testing.T) {
	for _, c := range []struct {
		in            any
		pattern, want string
	}{
		{1234567.891, Default, "1,234,567.891"}, {int32(-5), "0.00", "-5.00"}, {0.125, "0.00", "0.12"}, {0.375, "0.00", "0.38"}, {0.15, "0.0", "0.1"}, {1.005, "0.00", "1.00"}, {2.5, "0", "2"}, {3.5, "0", "4"},
		{0.5, "#.##", "0.5"}, {0.5, "#", "0"}, {0.5, "", ".5"}, {1234.5, "", "1,234.5"}, {0.0, "#", "0"}, {7, "000.0", "007.0"}, {0.07, "0%", "7%"}, {0.123, "0.0‰", "123.0‰"},
		{1234.5, "0.##E0", "1.23E3"}, {0.00012345, "00.##E0", "12.34E-5"}, {1234.5, "##0.###E0", "1.2345E3"}, {123456.0, "##0.###E0", "123.456E3"}, {42, "#E0", ".4E2"}, {0, "0E0", "0E0"}, {99.999, "0.0E0", "1.0E2"},
		{-1234.5, "#,##0.00;(#,##0.00)", "(1,234.50)"}, {1234.5, "¤#,##0.00", "¤1,234.50"}, {5, "'#'0", "#5"}, {5, "0' o''clock'", "5 o'clock"}, {12, "0,0", "1,2"}, {5.0, "0.", "5."}, {0.25, ".0#", ".25"},
		{math.NaN(), "0", "NaN"}, {math.Inf(-1), "0.0", "-∞"}, {value.Decimal{Unscaled: big.NewInt(12345), Scale: 3}, "0.00", "12.34"}, {new(big.Int).Lsh(big.NewInt(1), 70), "#,##0", "1,180,591,620,717,411,303,424"},
		{0.1, "0.####################", "0.1"}, {float32(0.1), "0.####################", "0.1"}, {-0.4, "0", "-0"},
	} {
		got, err := Format(value.Normalize(c.in), c.pattern)
		if err != nil || got != c.want {
			t.Errorf("%v by %q gave %q (%v), expected %q", c.in, c.pattern, got, err, c.want)
		}
	}
}

func TestMalformedPatterns(t *testing.T) {
	for _, p := range []string{"0#", "0.0.0", "#,", "0.0#0", "0E", "0,0.0,0", "0;0;0"} {
		if got, err := Format(1.5, p); err == nil {
			t.Errorf("%q gave %q, expected an error", p, got)
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, p := range []string{Default, "0.##E0", "##0.###E0", "$#.##;(0)", "'x'0%", ".0#", "#E00"} {
		f.Add(1234.5, p)
		f.Add(-0.00012, p)
	}
	f.Fuzz(func(t *testing.T, v float64, pattern string) {
		if got, err := Format(v, pattern); err == nil && len(got) > 4*len(pattern)+2000 {
			t.Fatalf("%g by %q gave %d bytes", v, pattern, len(got))
		}
	})
}
