package caddymodule

import (
	"log/slog"
	"testing"

	"go.uber.org/zap/zapcore"
	logs "go.uber.org/zap/zaptest/observer"
)

func TestAnErrorInTheLogIsASentenceWithoutAStackTrace(t *testing.T) {
	core, seen := logs.New(zapcore.DebugLevel)
	slog.New(handlerOf(core)).Error("the store cannot be opened", "error", "no such file")
	all := seen.TakeAll()
	if len(all) != 1 || all[0].LoggerName != "psa" || all[0].Message != "the store cannot be opened" {
		t.Fatalf("%+v", all)
	}
	if all[0].Stack != "" {
		t.Errorf("it has a trace:\n%s", all[0].Stack)
	}
}
