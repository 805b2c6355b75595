package model_test

import (
	"context"
	"fmt"
	"log"

	"github.com/attnbench/attnbench"
	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/tokenizer"
)

// The default model continues a sentence, once with each of two kernels.
func Example() {
	m, err := model.Load(attnbench.DefaultModel())
	if err != nil {
		log.Fatal(err)
	}
	tok, err := tokenizer.Load(attnbench.DefaultModel(), m.Shape().Vocab)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"naive", "flash"} {
		k, err := kernels.Get(name)
		if err != nil {
			log.Fatal(err)
		}
		ids, err := tok.Encode("The Rays of Light which differ in Col")
		if err != nil {
			log.Fatal(err)
		}
		for range 12 {
			r, err := m.Forward(context.Background(), model.Input{IDs: ids}, model.Options{Kernels: []kernels.Kernel{k}})
			if err != nil {
				log.Fatal(err)
			}
			ids = append(ids, r.Next(r.Len-1))
		}
		text, err := tok.Decode(ids)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", name, text)
	}
	// Output:
	// naive: The Rays of Light which differ in Colours, and th
	// flash: The Rays of Light which differ in Colours, and th
}
