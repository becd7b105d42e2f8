package find

// PageSize is how many objects one request asks for: the most that servers allow.
const PageSize = 200

// Pages reads objects page by page, at most limit of them; 0 or less means all.
func Pages[T any](limit int, read func(offset, limit int) ([]T, error)) ([]T, error) {
	all := []T{}
	err := EachPage(limit, read, func(page []T) error {
		all = append(all, page...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// EachPage is Pages for who can use a page before the next one is there.
func EachPage[T any](limit int, read func(offset, limit int) ([]T, error), use func(page []T) error) error {
	for done := 0; ; {
		size := PageSize
		if limit > 0 {
			size = min(size, limit-done)
		}
		page, err := read(done, size)
		if err != nil {
			return err
		}
		if err := use(page); err != nil {
			return err
		}
		done += len(page)
		if len(page) < size || done == limit {
			return nil
		}
	}
}
