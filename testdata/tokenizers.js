// Writes small tokenizers, learned from prompt.txt, and encodings of test texts by an implementation independent of ours:
//
//	npm install --ignore-scripts @huggingface/tokenizers@0.2.0 && NODE_PATH=node_modules node tokenizers.js [FOLDER]
const { Tokenizer } = require("@huggingface/tokenizers");
const fs = require("fs");
const path = require("path");

const folder = process.argv[2] || path.join(__dirname, "tokenizers");
const corpus = fs.readFileSync(path.join(__dirname, "prompt.txt"), "utf8") + " Der Löwe läßt größere Äpfel übrig. Съешь ещё этих мягких булок. 光は波である。 naïve café déjà vu";

const texts = [
  "", " ", "  ", "Hello world", "hello, World!", "The glass had fallen in the night.", "  two  spaces  ", "trailing ", "\n\n", "\t", "line one\nline two\r\n",
  "I'm you're they've it's we'll don't I'd O'Neill 'tis I'M", "1 12 123 1234567890 3.14159 1,000,000 2+2=4 x86_64", "http://example.com/a?b=c&d=e",
  "naïve café", "Ünïcödé ÀÉÎÕÜ çñ", "e\u0301 o\u0308 A\u030a", "İstanbul ıŞIK", "ΑΣΣΟΣ σς", "Straße", "Привет, мир", "你好，世界", "光は波である", "中文abc混合", "한국어", "مرحبا", "שָׁלוֹם",
  "👋", "👩‍👩‍👧‍👦", "½ ² ①", "\u00a0nbsp\u2003em", "–—…“”", "\u200bzero\u200dwidth\u00ad", "a\u0000b\u0001c\u007fd\ufffde", "\u2028sep\u0085nel", "refrangibility unbreakable-word",
  "[MASK] and [CLS], not [mask]", "the [MASK].", "<s> </s> <unk> <|begin|>", "▁under▁lined", "x".repeat(120), "##ing ## #", "the" + " the".repeat(30), "a_b-c/d\\e", "$5 ^ `x` ~ + < = > |",
];

// words of the corpus with their counts, and the spaces before them.
const words = (pattern) => {
  const count = new Map();
  for (const [word] of corpus.matchAll(pattern)) count.set(word, (count.get(word) || 0) + 1);
  return count;
};

// learn returns the merges of byte-pair encoding, most frequent first, ties by the order of appearance.
function learn(count, symbols, most) {
  const parts = [...count].map(([word, n]) => [symbols(word), n]);
  const merges = [];
  while (merges.length < most) {
    const pairs = new Map();
    for (const [p, n] of parts) for (let i = 0; i + 1 < p.length; i++) {
      const key = p[i] + " " + p[i + 1];
      pairs.set(key, (pairs.get(key) || 0) + n);
    }
    let best = null;
    for (const [key, n] of pairs) if (!best || n > pairs.get(best)) best = key;
    if (!best || pairs.get(best) < 2) break;
    merges.push(best);
    const [a, b] = best.split(" ");
    for (const entry of parts) {
      const out = [];
      for (const s of entry[0]) {
        if (out.length && out[out.length - 1] === a && s === b && !out.joined) { out[out.length - 1] = a + b; out.joined = true; } else { out.push(s); out.joined = false; }
      }
      entry[0] = [...out];
    }
  }
  return merges;
}

const ids = (list) => Object.fromEntries([...new Set(list)].map((token, i) => [token, i]));
const added = (vocab, ...tokens) => tokens.map((content) => ({ id: vocab[content], content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }));

// The characters that stand for bytes in GPT-2's vocabulary.
const bytes = (() => {
  const table = [];
  let next = 256;
  for (let b = 0; b < 256; b++) {
    const plain = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    table.push(String.fromCharCode(plain ? b : next++));
  }
  return table;
})();
const spelled = (word) => [...Buffer.from(word, "utf8")].map((b) => bytes[b]);

const gpt2Pattern = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const llama3Pattern = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

function byteLevel(first) {
  const merges = learn(words(gpt2Pattern), spelled, 160);
  return { merges, vocab: ids([...first, ...bytes, ...merges.map((m) => m.replace(" ", ""))]) };
}

const json = {
  // GPT-2's way with a vocabulary of its own.
  gpt2() {
    const { vocab, merges } = byteLevel(["<|endoftext|>"]);
    return {
      version: "1.0", added_tokens: added(vocab, "<|endoftext|>"), normalizer: null, pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: { type: "ByteLevel", add_prefix_space: true, trim_offsets: false }, decoder: { type: "ByteLevel" },
      model: { type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: "", end_of_word_suffix: "", fuse_unk: false, vocab, merges },
    };
  },
  // Llama 3's: another pattern, a token at the beginning.
  llama3() {
    const { vocab, merges } = byteLevel(["<|begin|>"]);
    return {
      version: "1.0", added_tokens: added(vocab, "<|begin|>"), normalizer: null,
      pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Split", pattern: { Regex: llama3Pattern }, behavior: "Isolated", invert: false }, { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false }] },
      post_processor: { type: "Sequence", processors: [{ type: "ByteLevel", add_prefix_space: true, trim_offsets: false, use_regex: true }, { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<|begin|>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }], pair: [], special_tokens: { "<|begin|>": { id: "<|begin|>", ids: [0], tokens: ["<|begin|>"] } } }] },
      decoder: { type: "ByteLevel" },
      model: { type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: true, vocab, merges: merges.map((m) => m.split(" ")) },
    };
  },
  // Llama 2's: spaces are a character like others, unknown characters fall back to bytes.
  llama2() {
    const merges = learn(words(/ ?\S+/gu), (w) => [...w.replace(/ /g, "▁")], 160);
    const fallback = [...Array(256).keys()].map((b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`);
    const vocab = ids(["<unk>", "<s>", "</s>", ...fallback, ...merges.map((m) => m.replace(" ", "")), "▁", ...[...corpus].filter((c) => !/\s/.test(c)).sort()]);
    return {
      version: "1.0", added_tokens: added(vocab, "<unk>", "<s>", "</s>"),
      normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] }, pre_tokenizer: null,
      post_processor: { type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }], pair: [], special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } } },
      decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }] },
      model: { type: "BPE", dropout: null, unk_token: "<unk>", continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true, byte_fallback: true, vocab, merges },
    };
  },
  // BERT's, without and with capitals and accents.
  bert: () => wordPiece(true),
  "bert-cased": () => wordPiece(false),
};

function wordPiece(lowercase) {
  const plain = lowercase ? corpus.toLowerCase().normalize("NFD").replace(/\p{Mn}/gu, "") : corpus;
  const list = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const letters = [...new Set(plain)].filter((c) => !/\s/u.test(c)).sort();
  list.push(...letters, ..."0123456789.,!?'-()$^`~+<=>|_/\\&:;#…“”—", ..."你好世界中文", ...letters.map((c) => "##" + c), ..."0123456789äöüéïσ", ..."0123456789σ".split("").map((c) => "##" + c));
  for (const [word, n] of words(/\p{L}+/gu)) {
    const w = lowercase ? word.toLowerCase().normalize("NFD").replace(/\p{Mn}/gu, "") : word;
    if (n > 2) list.push(w);
    if (w.length > 4 && n > 1) list.push("##" + w.slice(-3));
  }
  const vocab = ids(list.filter((t) => t !== "##"));
  const special = (id) => ({ SpecialToken: { id, type_id: 0 } });
  return {
    version: "1.0", added_tokens: added(vocab, "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    normalizer: { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase }, pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: { type: "TemplateProcessing", single: [special("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, special("[SEP]")], pair: [], special_tokens: { "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] }, "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] } } },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: { type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab },
  };
}

for (const [name, make] of Object.entries(json)) {
  const spec = make();
  const tokenizer = new Tokenizer(spec, {});
  const into = path.join(folder, name);
  fs.mkdirSync(into, { recursive: true });
  const write = (file, text) => fs.writeFileSync(path.join(into, file), text);
  const byID = Object.entries(spec.model.vocab).sort((a, b) => a[1] - b[1]).map(([token]) => token);
  if (name === "bert") { // the files of old
    write("vocab.txt", byID.join("\n") + "\n");
    write("tokenizer_config.json", JSON.stringify({ do_lower_case: true, tokenizer_class: "BertTokenizer" }) + "\n");
  } else if (name === "gpt2") {
    write("vocab.json", JSON.stringify(spec.model.vocab) + "\n");
    write("merges.txt", "#version: 0.2\n" + spec.model.merges.join("\n") + "\n");
  } else {
    write("tokenizer.json", JSON.stringify(spec) + "\n");
  }
  const rows = texts.map((text) => JSON.stringify({ text, ids: tokenizer.encode(text).ids }));
  write("vectors.json", "[\n" + rows.join(",\n") + "\n]\n");
  console.error(name, byID.length, "tokens,", spec.model.merges?.length ?? 0, "merges");
}
