package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
)

func (a *API) deleteExecution(w http.ResponseWriter, r *http.Request) error {
	if err := a.remove(r, r.PathValue("id"), false); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// remove deletes an execution with its logs, metrics and files, as far as the request does not want them kept.
func (a *API) remove(r *http.Request, id string, force bool) error {
	x, err := a.ask(r.Context(), id, model.EventDelete, &model.Action{Force: force})
	if err != nil {
		return err
	}
	v := r.URL.Query()
	q := backend.Query{Tenant: Tenant, Filters: []backend.Filter{{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: id}}}
	if v.Get("deleteLogs") != "false" {
		if _, err := a.Backend.Logs().Delete(r.Context(), q); err != nil {
			return err
		}
	}
	if v.Get("deleteMetrics") != "false" {
		if _, err := a.Backend.Metrics().Delete(r.Context(), q); err != nil {
			return err
		}
	}
	if v.Get("deleteStorage") == "false" || x == nil {
		return nil
	}
	return a.deleteFiles(r.Context(), x)
}

func (a *API) deleteByIDs(w http.ResponseWriter, r *http.Request) error {
	var ids []string
	if err := readJSON(r, &ids, "a JSON list of execution ids"); err != nil {
		return err
	}
	return a.removeAll(w, r, ids)
}

func (a *API) deleteByQuery(w http.ResponseWriter, r *http.Request) error {
	ids, err := a.selected(r)
	if err != nil {
		return err
	}
	return a.removeAll(w, r, ids)
}

func (a *API) removeAll(w http.ResponseWriter, r *http.Request, ids []string) error {
	force := r.URL.Query().Get("includeNonTerminated") == "true"
	var refusals []refusal
	done := 0
	for _, id := range ids {
		err := a.remove(r, id, force)
		var known *Error
		switch {
		case errors.As(err, &known):
			refusals = append(refusals, refusal{known.Message, id})
		case err != nil:
			return err
		default:
			done++
		}
	}
	if len(refusals) > 0 {
		return writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"message": "invalid bulk delete", "invalids": refusals, "count": done})
	}
	return writeJSON(w, http.StatusOK, outcome{done})
}

// deleteFiles removes the files of an execution that is gone.
func (a *API) deleteFiles(ctx context.Context, x *model.Execution) error {
	e := storage.Execution{Flow: storage.Flow{Tenant: x.Tenant, Namespace: x.Namespace, ID: x.FlowID}, ID: x.ID}
	dir, err := e.Dir()
	if err != nil {
		return fmt.Errorf("files of execution %s: %w", x.ID, err)
	}
	_, err = a.Storage.DeleteByPrefix(ctx, dir)
	return err
}
