package expr

import "github.com/itchyny/gojq"

func compileJQ(program string) (*gojq.Code, error) {
	q, err := gojq.Parse(program)
	if err != nil {
		return nil, err
	}
	return gojq.Compile(q)
}
