"""What is looked for in each language's words: data, one file a language, in `config/languages`."""
