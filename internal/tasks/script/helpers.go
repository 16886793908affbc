package script

import _ "embed"

// The modules that older tasks put beside a script.
var (
	//go:embed helpers/kestra.py
	pythonHelper string
	//go:embed helpers/kestra.js
	nodeHelper string
)
