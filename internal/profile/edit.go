package profile

import (
	"slices"

	"github.com/usherhq/usher/internal/api"
)

func table(name string) []string { return []string{"profiles", name} }

// Create adds a profile, with the settings of another one if from names it.
func (p *Profiles) Create(name, from string) error {
	if named(p.Saved(), name) >= 0 {
		return api.Errorf(api.CodeConflict, "a profile named %q is there already", name)
	}
	var entries []Entry
	if from != "" {
		source := named(p.Saved(), from)
		if source < 0 {
			return notFound(from)
		}
		entries = p.Saved()[source].Entries
	}
	return p.save(Profile{Name: name, Entries: entries})
}

// Activate makes the profile the one in use.
func (p *Profiles) Activate(name string) error {
	if _, ok := p.Find(name); !ok {
		return notFound(name)
	}
	if err := p.own.doc.set(nil, "active", name); err != nil {
		return err
	}
	return p.own.reread()
}

// Delete removes a profile. One of Prefect's file stays there and is left out
// from now on; a built-in one can't be removed. The result says which it was.
func (p *Profiles) Delete(name string) (Origin, error) {
	profile, ok := p.Find(name)
	if !ok {
		return "", notFound(name)
	}
	if profile.Origin == BuiltIn {
		return BuiltIn, nil
	}
	if err := p.own.doc.remove(table(name)); err != nil {
		return "", err
	}
	return profile.Origin, p.ignore(name)
}

// ignore leaves out Prefect's profile of that name, if there is one.
func (p *Profiles) ignore(name string) error {
	if named(p.prefect.profiles, name) >= 0 && !slices.Contains(p.own.ignored, name) {
		if err := p.own.doc.setList("ignored", append(p.own.ignored, name)); err != nil {
			return err
		}
	}
	return p.own.reread()
}

// Rename gives a profile another name; if it is the active one it stays so.
func (p *Profiles) Rename(name, newName string) error {
	saved := p.Saved()
	i := named(saved, name)
	if i < 0 {
		return notFound(name)
	}
	if named(saved, newName) >= 0 {
		return api.Errorf(api.CodeConflict, "a profile named %q is there already", newName)
	}
	active := p.Active() == name
	if err := p.move(saved[i], newName); err != nil {
		return err
	}
	if active {
		return p.Activate(newName)
	}
	return nil
}

func (p *Profiles) move(profile Profile, newName string) error {
	if profile.Origin == Own {
		if err := p.own.doc.rename(table(profile.Name), newName); err != nil {
			return err
		}
	} else if err := p.save(Profile{Name: newName, Entries: profile.Entries}); err != nil {
		return err
	}
	return p.ignore(profile.Name)
}

// Update sets and removes settings of a profile, which is copied into our file
// first if it is not there. Names are current ones; old spellings of what is
// changed are removed from the file.
func (p *Profiles) Update(name string, set []Entry, unset []string) error {
	profile, ok := p.Find(name)
	if !ok {
		return notFound(name)
	}
	if profile.Origin != Own {
		if err := p.save(profile); err != nil {
			return err
		}
	}
	for _, entry := range set {
		if err := p.clear(name, entry.Name, false); err != nil {
			return err
		}
		if err := p.own.doc.set(table(name), entry.Name, entry.Value); err != nil {
			return err
		}
	}
	for _, setting := range unset {
		if err := p.clear(name, setting, true); err != nil {
			return err
		}
	}
	return p.own.reread()
}

// clear removes the old spellings of a setting, and the current one if wanted.
func (p *Profiles) clear(profile, setting string, current bool) error {
	names := []string{setting}
	if s, ok := Find(setting); ok {
		names = s.Names()
	}
	for _, spelling := range names {
		if spelling == setting && !current {
			continue
		}
		if err := p.own.doc.unset(table(profile), spelling); err != nil {
			return err
		}
	}
	return nil
}

// Normalize rewrites every setting of our file to its current name and returns
// how many it changed.
func (p *Profiles) Normalize() (int, error) {
	changed := 0
	for _, profile := range p.own.profiles {
		for _, entry := range profile.Entries {
			before := string(p.own.doc.text)
			if err := p.clear(profile.Name, entry.Name, false); err != nil {
				return changed, err
			}
			if string(p.own.doc.text) == before {
				continue
			}
			changed++
			if err := p.own.doc.set(table(profile.Name), entry.Name, entry.Value); err != nil {
				return changed, err
			}
		}
	}
	return changed, p.own.reread()
}

// Missing returns the built-in profiles that are in neither file.
func (p *Profiles) Missing() []Profile {
	var missing []Profile
	for _, template := range Templates() {
		if named(p.Saved(), template.Name) < 0 {
			missing = append(missing, template)
		}
	}
	return missing
}

// Populate adds the missing built-in profiles to our file.
func (p *Profiles) Populate() error {
	for _, template := range p.Missing() {
		if err := p.save(template); err != nil {
			return err
		}
	}
	return nil
}

// save writes a new table for the profile.
func (p *Profiles) save(profile Profile) error {
	if err := p.own.doc.add(table(profile.Name)); err != nil {
		return err
	}
	for _, entry := range profile.Entries {
		if err := p.own.doc.set(table(profile.Name), entry.Name, entry.Value); err != nil {
			return err
		}
	}
	return p.own.reread()
}
