package value

import (
	"math"
	"math/big"
	"testing"
	"time"
)

func TestEqual(t *testing.T) {
	list := []any{int32(1), "a"}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{int32(1), int64(1), true}, {int32(1), 1.0, true}, {int64(1), big.NewInt(1), true}, {1.5, float32(1.5), true}, {int64(1 << 53), float64(1<<53 + 1), true},
		{Decimal{big.NewInt(150), 2}, 1.5, true}, {Decimal{big.NewInt(15), 1}, Decimal{big.NewInt(150), 2}, true}, {math.NaN(), math.NaN(), false},
		{"1", int32(1), false}, {true, "true", false}, {nil, nil, true}, {nil, 0, false}, {list, []any{int64(1), "a"}, true}, {list, []any{"a", int64(1)}, false},
		{MapOf(Entry{"a", 1}, Entry{"b", 2}), MapOf(Entry{"b", 2.0}, Entry{"a", int64(1)}), true}, {MapOf(Entry{"a", nil}), MapOf(), false}, {MapOf(Entry{"a", nil}), MapOf(Entry{"b", nil}), false},
		{Instant{at}, ZonedDateTime{at.In(time.FixedZone("", 3600))}, true}, {Instant{at}, LocalDateTime{at}, false}, {Duration(1), Duration(1), true}, {Entry{"a", 1}, Entry{"a", int64(1)}, true},
	} {
		if got := Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%v, %v) is %v", c.a, c.b, got)
		}
		if got := Equal(c.b, c.a); got != c.want {
			t.Errorf("Equal(%v, %v) is %v", c.b, c.a, got)
		}
	}
}

func TestCompare(t *testing.T) {
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	ordered := [][]any{
		{math.Inf(-1), big.NewInt(-5), int32(-1), 0.5, int64(1), Decimal{big.NewInt(11), 1}, new(big.Int).Lsh(big.NewInt(1), 70), math.Inf(1)},
		{"", "A", "B", "a", "é", "\U0001F600", "\uFFFD"}, {false, true}, {Instant{at}, Instant{at.Add(1)}}, {Duration(-1), Duration(0)}, {LocalDate{at}, LocalDate{at.AddDate(0, 0, 1)}},
	}
	for _, list := range ordered {
		for i := range list {
			for j := range list {
				got, ok := Compare(list[i], list[j])
				want := 0
				if i < j {
					want = -1
				} else if i > j {
					want = 1
				}
				if !ok || got != want {
					t.Errorf("Compare(%v, %v) is %d, %v", list[i], list[j], got, ok)
				}
			}
		}
	}
	for _, pair := range [][2]any{{1, "1"}, {nil, 1}, {[]any{}, []any{}}, {math.NaN(), 1.0}, {true, 1}, {LocalDate{at}, Instant{at}}} {
		if _, ok := Compare(pair[0], pair[1]); ok {
			t.Errorf("%v and %v should have no order", pair[0], pair[1])
		}
	}
}

func TestDoubles(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0.0", 1: "1.0", -1.5: "-1.5", 0.1: "0.1", 100000: "100000.0", 9999999: "9999999.0", 1e7: "1.0E7", 12345678.9: "1.23456789E7", 0.001: "0.001", 0.000999: "9.99E-4", -1e-10: "-1.0E-10",
		1e100: "1.0E100", math.MaxFloat64: "1.7976931348623157E308", 5e-324: "4.9E-324", math.Inf(1): "Infinity", 123456.789: "123456.789",
	} {
		if got := string(AppendDouble(nil, f)); got != want {
			t.Errorf("%g gave %s, expected %s", f, got, want)
		}
	}
	if got := string(AppendDouble(nil, math.Copysign(0, -1))); got != "-0.0" {
		t.Errorf("negative zero gave %s", got)
	}
	if got := string(AppendFloat(nil, 16777216)); got != "1.6777216E7" {
		t.Errorf("a float gave %s", got)
	}
}

func TestDecimals(t *testing.T) {
	dec := func(s string) Decimal {
		d, ok := ParseDecimal(s)
		if !ok {
			t.Fatalf("%q was not read", s)
		}
		return d
	}
	for text, want := range map[string]string{"1.50": "1.50", "-0.001": "-0.001", "1e3": "1000", "1.5E-3": "0.0015", "+7": "7", ".5": "0.5", "5.": "5", "0.0": "0.0"} {
		if got := dec(text).String(); got != want {
			t.Errorf("%s is written %s, expected %s", text, got, want)
		}
	}
	for _, text := range []string{"", "-", ".", "1.2.3", "1e", "abc", "1e99999999", "1_0", " 1"} {
		if d, ok := ParseDecimal(text); ok {
			t.Errorf("%q was read as %v", text, d)
		}
	}
	third, _ := dec("1").Quo(dec("3"))
	sixth, _ := dec("-2").Quo(dec("3"))
	half, _ := dec("1.00").Quo(dec("2"))
	rem, _ := dec("-7.5").Rem(dec("2"))
	for got, want := range map[string]string{
		dec("1.5").Add(dec("2.25")).String(): "3.75", dec("1.5").Sub(dec("2.25")).String(): "-0.75", dec("1.5").Mul(dec("-2.0")).String(): "-3.00",
		third.String(): "0.3333333333333333333333333333333333", sixth.String(): "-0.6666666666666666666666666666666667", half.String(): "0.50", rem.String(): "-1.5",
	} {
		if got != want {
			t.Errorf("gave %s, expected %s", got, want)
		}
	}
	if _, ok := dec("1").Quo(dec("0.0")); ok {
		t.Error("a division by zero should fail")
	}
	if dec("1.50").Cmp(dec("1.5")) != 0 || dec("-1").Cmp(dec("0.1")) >= 0 {
		t.Error("decimals should compare by value")
	}
}

func TestPrintAndJavaString(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 0, 0, time.UTC)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in          any
		java, print string
	}{
		{nil, "null", ""}, {true, "true", "true"}, {int32(-3), "-3", "-3"}, {2.0, "2.0", "2.0"}, {"a\"b", "a\"b", "a\"b"}, {[]any{1, "a", nil, []any{2.5}}, "[1, a, null, [2.5]]", `[1,"a",null,[2.5]]`},
		{MapOf(Entry{"a", 1}, Entry{"b", nil}, Entry{"c", MapOf()}), "{a=1, b=null, c={}}", `{"a":1,"c":{}}`}, {Entry{"k", []any{1}}, "k=[1]", "k=[1]"},
		{Duration(90*time.Minute + 500*time.Millisecond), "PT1H30M0.5S", "PT1H30M0.5S"}, {Duration(-61 * time.Second), "PT-1M-1S", "PT-1M-1S"}, {Duration(0), "PT0S", "PT0S"},
		{Instant{at}, "2024-05-06T07:08:00Z", "2024-05-06T07:08:00Z"}, {LocalDateTime{at}, "2024-05-06T07:08", "2024-05-06T07:08:00"}, {LocalTime{at}, "07:08", "07:08:00"},
		{ZonedDateTime{at.In(paris)}, "2024-05-06T09:08+02:00[Europe/Paris]", "2024-05-06T09:08:00+02:00"}, {ZonedDateTime{at}, "2024-05-06T07:08Z", "2024-05-06T07:08:00Z"},
	} {
		if got := JavaString(c.in); got != c.java {
			t.Errorf("JavaString(%#v) is %q, expected %q", c.in, got, c.java)
		}
		if got := Print(c.in); got != c.print {
			t.Errorf("Print(%#v) is %q, expected %q", c.in, got, c.print)
		}
	}
}

func TestClassName(t *testing.T) {
	for _, c := range []struct {
		in   any
		want string
	}{
		{nil, ""}, {int32(1), "java.lang.Integer"}, {1, "java.lang.Integer"}, {int64(1), "java.lang.Long"}, {1.5, "java.lang.Double"}, {float32(1), "java.lang.Float"}, {"", "java.lang.String"},
		{NewLiteral(0), "java.util.HashMap"}, {NewMap(0), "java.util.LinkedHashMap"}, {[]any{}, "java.util.ArrayList"}, {big.NewInt(1), "java.math.BigInteger"}, {Decimal{big.NewInt(1), 0}, "java.math.BigDecimal"},
	} {
		if got := ClassName(c.in); got != c.want {
			t.Errorf("ClassName(%#v) is %q, expected %q", c.in, got, c.want)
		}
	}
}
