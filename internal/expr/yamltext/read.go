package yamltext

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/windhover-io/windhover/internal/value"
)

const (
	maxDepth = 256
	// maxNodes bounds what anchors and aliases may expand to.
	maxNodes = 1_000_000
)

// ErrEmpty is the error of a text without a value.
var ErrEmpty = errors.New("the YAML text holds no value")

// Read reads the first document of a text.
func Read(text string) (v any, err error) {
	if strings.HasPrefix(text, "%YAML") { // 1.1 and 1.2 are read alike
		_, text, _ = strings.Cut(text, "\n")
	}
	var root yaml.Node
	dec, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("invalid YAML: %w", err)
	}
	if err := dec.Load(&root); errors.Is(err, io.EOF) {
		return nil, ErrEmpty
	} else if err != nil {
		return nil, fmt.Errorf("invalid YAML: %w", err)
	}
	if len(root.Content) == 0 {
		return nil, ErrEmpty
	}
	r := &reader{left: maxNodes}
	return r.node(root.Content[0], 0)
}

type reader struct{ left int }

func (r *reader) node(n *yaml.Node, depth int) (any, error) {
	if r.left--; r.left < 0 {
		return nil, fmt.Errorf("the YAML text expands to more than %d values", maxNodes)
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("the YAML text is nested deeper than %d levels", maxDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.node(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			var err error
			if list[i], err = r.node(c, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		return r.mapping(n, depth)
	}
	return scalarValue(n), nil
}

func (r *reader) mapping(n *yaml.Node, depth int) (any, error) {
	m := value.NewMap(len(n.Content) / 2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("invalid YAML: the key at line %d is not a scalar", n.Content[i].Line)
		}
		v, err := r.node(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		m.Set(n.Content[i].Value, v)
	}
	return m, nil
}

// scalarValue types a scalar by YAML 1.1: true, yes and on, false, no and off, null, ~ and nothing, integers (decimal, 0x, octal with a leading 0), decimal
// numbers; quoted and all other text is text, dates included.
func scalarValue(n *yaml.Node) any {
	if n.Style&yaml.TaggedStyle != 0 && (n.Tag == "!!int" || n.Tag == "!!float") {
		if v, ok := number(n.Value); ok {
			return v
		}
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0 {
		return n.Value
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return true
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return false
	case ".nan", ".NaN", ".NAN":
		return math.NaN()
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return math.Inf(1)
	case "-.inf", "-.Inf", "-.INF":
		return math.Inf(-1)
	}
	if v, ok := number(n.Value); ok {
		return v
	}
	return n.Value
}

const maxDigits = 1000

func number(s string) (any, bool) {
	clean := strings.ReplaceAll(s, "_", "")
	body := strings.TrimLeft(clean, "+-")
	if body == "" || strings.HasPrefix(s, "_") || len(clean)-len(body) > 1 || len(s) > maxDigits || (body[0] != '.' && (body[0] < '0' || body[0] > '9')) {
		return nil, false
	}
	if n, ok := new(big.Int).SetString(strings.TrimPrefix(clean, "+"), 10); ok && !(len(body) > 1 && body[0] == '0') {
		return smallest(n), true
	}
	if strings.HasPrefix(body, "0x") || strings.HasPrefix(body, "0b") || isOctal(body) {
		n, ok := new(big.Int).SetString(strings.TrimPrefix(clean, "+"), 0)
		return smallest(n), ok
	}
	if strings.ContainsAny(body, "xXpPiInN") || !strings.ContainsAny(body, ".eE") {
		return nil, false
	}
	f, err := strconv.ParseFloat(clean, 64)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}

func isOctal(s string) bool {
	return len(s) > 1 && s[0] == '0' && strings.Trim(s, "01234567") == ""
}

func smallest(n *big.Int) any {
	if n != nil && n.IsInt64() {
		return value.Int(n.Int64())
	}
	return n
}
