// Package names makes the random names of runs: an adjective and an animal, such as
// "brisk-heron". It is pure; the caller brings the randomness.
package names

// Pick returns the name that a random number stands for. Numbers that differ give other
// names as far as there are names; every name is equally likely.
func Pick(random uint64) string {
	adjective := random % uint64(len(adjectives))
	animal := random / uint64(len(adjectives)) % uint64(len(animals))
	return adjectives[adjective] + "-" + animals[animal]
}

// The words avoid whatever reads badly in front of or behind another.
var (
	adjectives = [...]string{
		"able", "acute", "agile", "airy", "alert", "amber", "ample", "apt", "arctic", "azure",
		"balmy", "bold", "brave", "breezy", "brief", "bright", "brisk", "bronze", "bubbly", "calm",
		"candid", "careful", "cheerful", "chief", "civil", "classic", "clean", "clear", "clever", "cloudy",
		"coastal", "cobalt", "copper", "coral", "cosmic", "cozy", "crimson", "crisp", "curious", "daring",
		"dapper", "dawn", "deft", "dewy", "direct", "diving", "dreamy", "eager", "early", "earnest",
		"easy", "elated", "electric", "elegant", "ember", "epic", "even", "exact", "fabled", "fair",
		"famous", "fancy", "fast", "fearless", "festive", "fine", "firm", "fleet", "fluent", "flying",
		"fond", "frank", "free", "fresh", "frosty", "gallant", "gentle", "giddy", "gifted", "glad",
		"gleaming", "golden", "good", "graceful", "grand", "great", "green", "happy", "hardy", "hearty",
		"helpful", "honest", "hopeful", "humble", "ideal", "indigo", "ivory", "jade", "jaunty", "jolly",
		"jovial", "joyful", "keen", "kind", "large", "level", "light", "lilac", "limber", "lively",
		"loyal", "lucid", "lucky", "lunar", "magic", "maroon", "mellow", "merry", "mighty", "mild",
		"mindful", "misty", "modern", "modest", "mossy", "neat", "nimble", "noble", "northern", "novel",
		"oaken", "olive", "open", "orange", "patient", "peaceful", "pearly", "placid", "plucky", "polar",
		"polite", "prime", "proud", "prudent", "purple", "quaint", "quick", "quiet", "radiant", "rapid",
		"ready", "regal", "robust", "rosy", "royal", "ruby", "rustic", "sage", "sandy", "sapphire",
		"scarlet", "serene", "sharp", "shiny", "silent", "silver", "sincere", "sleek", "smart", "smooth",
		"snowy", "snug", "solar", "solid", "sonic", "sparkling", "speedy", "spirited", "splendid", "sprightly",
		"stalwart", "starry", "steady", "stellar", "still", "stoic", "sturdy", "subtle", "sunny", "supple",
		"sure", "swift", "tactful", "tawny", "teal", "tender", "thankful", "thorough", "tidy", "topaz",
		"tranquil", "trim", "true", "trusty", "upbeat", "valiant", "vast", "velvet", "vibrant", "violet",
		"vivid", "warm", "wary", "wise", "witty", "woodland", "worthy", "young", "zealous", "zesty",
	}

	animals = [...]string{
		"adder", "albatross", "alpaca", "anchovy", "ant", "antelope", "armadillo", "auk", "avocet", "axolotl",
		"badger", "barbel", "bat", "bear", "beaver", "bee", "beetle", "bison", "bittern", "boar",
		"bobcat", "bonobo", "buffalo", "bullfinch", "bumblebee", "bunting", "bustard", "butterfly", "buzzard", "camel",
		"canary", "capybara", "caracal", "cardinal", "caribou", "carp", "cassowary", "cat", "catfish", "centipede",
		"chaffinch", "chameleon", "cheetah", "chickadee", "chinchilla", "chipmunk", "cicada", "civet", "clam", "cobra",
		"cod", "condor", "coot", "cormorant", "cougar", "cow", "coyote", "crab", "crane", "cricket",
		"crow", "cuckoo", "curlew", "dace", "deer", "dingo", "dolphin", "donkey", "dormouse", "dove",
		"dragonfly", "duck", "dugong", "dunlin", "eagle", "echidna", "eel", "egret", "eider", "eland",
		"elephant", "elk", "emu", "ermine", "falcon", "ferret", "finch", "firefly", "flamingo", "flounder",
		"fossa", "fox", "frog", "gannet", "gazelle", "gecko", "gerbil", "gibbon", "giraffe", "gnu",
		"goat", "goldfinch", "goose", "gopher", "gorilla", "grebe", "grouse", "guanaco", "gull", "guppy",
		"haddock", "halibut", "hamster", "hare", "harrier", "hawk", "hedgehog", "heron", "herring", "hippo",
		"hoopoe", "hornet", "horse", "hummingbird", "ibex", "ibis", "iguana", "impala", "jackal", "jackdaw",
		"jaguar", "jay", "jellyfish", "kangaroo", "kestrel", "kingfisher", "kite", "kiwi", "koala", "kudu",
		"ladybird", "lamprey", "lapwing", "lark", "lemming", "lemur", "leopard", "limpet", "linnet", "lion",
		"lizard", "llama", "lobster", "locust", "loon", "lynx", "macaque", "macaw", "mackerel", "magpie",
		"mallard", "manatee", "mandrill", "manta", "marlin", "marmot", "marten", "meerkat", "merlin", "mink",
		"minnow", "mole", "mongoose", "moorhen", "moose", "moth", "mouse", "mule", "narwhal", "newt",
		"nightingale", "nuthatch", "ocelot", "octopus", "okapi", "opossum", "orca", "oriole", "oryx", "osprey",
		"ostrich", "otter", "owl", "oyster", "panda", "panther", "parrot", "partridge", "peacock", "pelican",
		"penguin", "perch", "petrel", "pheasant", "pigeon", "pika", "pike", "platypus", "plover", "polecat",
		"porcupine", "porpoise", "puffin", "puma", "quail", "quokka", "rabbit", "raccoon", "raven", "ray",
		"redstart", "reindeer", "robin", "rook", "salamander", "salmon", "sandpiper", "sardine", "seahorse", "seal",
		"shrew", "shrike", "shrimp", "skylark", "sloth", "snail", "snipe", "sparrow", "spider", "squid",
		"squirrel", "starfish", "starling", "stingray", "stoat", "stork", "sturgeon", "swallow", "swan", "swift",
		"tamarin", "tapir", "tarpon", "tern", "thrush", "tiger", "toad", "tortoise", "toucan", "trout",
		"tuna", "turbot", "turkey", "turtle", "urchin", "vicuna", "viper", "vole", "vulture", "wagtail",
		"wallaby", "walrus", "warbler", "waxwing", "weasel", "whale", "wildcat", "wolf", "wolverine", "wombat",
		"woodpecker", "worm", "wren", "yak", "zebra", "zebu",
	}
)
