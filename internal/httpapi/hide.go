package httpapi

import (
	"bytes"

	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/mask"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// hider hides secrets in what is told of an execution: those of the installation, those that were revealed to it in this
// process, and those that stand encrypted among its inputs and the outputs of its task runs.
func (a *API) hider(x *model.Execution, runs []*model.TaskRun) mask.Hider {
	h := a.Masks.Of(x.ID)
	a.learn(h, x.Inputs)
	for _, r := range runs {
		a.learn(h, r.Outputs)
	}
	return h
}

// learn decrypts what is encrypted within a JSON value, so that it is hidden elsewhere.
func (a *API) learn(h mask.Hider, raw []byte) {
	decrypt := a.Launcher.Decrypt
	if decrypt == nil || !bytes.Contains(raw, []byte(model.EncryptedType)) {
		return
	}
	v, err := value.ParseJSON(raw)
	if err != nil {
		return
	}
	engine.Reveal(v, func(text string) (string, error) {
		plain, err := decrypt(text)
		if err == nil {
			h.Add(plain)
		}
		return plain, err
	})
}
